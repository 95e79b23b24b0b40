/**
 * Commits as send streams and back, typed as a user would: what regrow exports the real `btrfs receive` makes snapshots of, and what
 * `btrfs send` makes becomes commits. rsync compares with the trees that it all came from.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { workbench } from "../support/cli.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem } from "../support/scratch.ts";
import { changeSubvolume } from "../support/subvolume-changes.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mount", "python3", "rsync", "setfacl", "setfattr", "fallocate"],
  filesystems: ["btrfs"],
};
const bench = workbench();

test("what is exported as streams is received as the trees that were committed", (t) => {
  if (!requires(t, NEEDS)) return;
  const [source, receiver] = [mountedFileSystem(t, "btrfs", 1000), mountedFileSystem(t, "btrfs", 1000)];
  const live = `${source}/live`;
  run("btrfs", ["-q", "subvolume", "create", live]);
  makeNastyTree(`${live}/nasty`, { root: true, odd: true, nodes: true, oddtarget: true });
  for (const mode of ["bare", "archive"]) {
    bench.ok("init", "-q", `--mode=${mode}`, mode);
    let before: string | undefined;
    for (let round = 0; round < 4; round++) {
      change(live, 4000 + round, 60);
      const commit = bench.ok("--repo", mode, "commit", "-q", "-b", "main", live);
      const name = `${mode}-${round}`;
      const parent = before === undefined ? [] : [`--parent=${before}`];
      bench.ok("--repo", mode, "export", "-q", "--format=btrfs-send", `--name=${name}`, ...parent, commit, `${name}.stream`);
      run("btrfs", ["-q", "receive", "-f", bench.at(`${name}.stream`), receiver]);
      assert.equal(differences(live, `${receiver}/${name}`), "", name);
      before = commit;
    }
  }
  // What did not change is not in it.
  const before = bench.ok("--repo", "bare", "commit", "-q", "-b", "before", live);
  run("sh", ["-c", 'echo little > "$0/little"', live]);
  const little = bench.ok("--repo", "bare", "commit", "-q", "-b", "little", live);
  const sizeOf = (name: string, ...parent: readonly string[]): number => {
    bench.ok("--repo", "bare", "export", "-q", "--format=btrfs-send", `--name=${name}`, ...parent, little, `${name}.stream`);
    return readFileSync(bench.at(`${name}.stream`)).length;
  };
  const sizes = [sizeOf("whole"), sizeOf("changes", `--parent=${before}`)];
  assert.ok(sizes[1]! < sizes[0]! / 10, `a stream of changes has ${sizes[1]} bytes, the whole one ${sizes[0]}`);
});

test("what btrfs send makes becomes one commit a subvolume, and a part of it none", (t) => {
  if (!requires(t, NEEDS)) return;
  const source = mountedFileSystem(t, "btrfs", 1000);
  const live = `${source}/live`;
  run("btrfs", ["-q", "subvolume", "create", live]);
  for (const round of [0, 1, 2]) {
    change(live, 5000 + round, 120);
    run("btrfs", ["-q", "subvolume", "snapshot", "-r", live, `${source}/s${round}`]);
  }
  const streams = Buffer.concat([0, 1, 2].map((round) => sent(source, round)));
  writeFileSync(bench.at("streams"), streams);
  bench.ok("init", "-q", "--mode=bare", "in");
  const commits = bench.ok("--repo", "in", "import", "-q", "--from=btrfs-send", "-b", "main", "streams").split("\n");
  assert.equal(commits.length, 3);
  for (const round of [0, 1, 2]) {
    bench.ok("--repo", "in", "checkout", "-q", commits[round]!, `out${round}`);
    assert.equal(differences(`${source}/s${round}`, bench.at(`out${round}`)), "", `s${round}`);
  }
  assert.deepEqual(bench.ok("--repo", "in", "log", "--oneline").match(/s\d/g), ["s2", "s1", "s0"]);

  writeFileSync(bench.at("first"), sent(source, 0));
  bench.ok("--repo", "in", "import", "-q", "--from=btrfs-send", "-b", "told", "-m", "As I say\n\nand why", "first");
  assert.match(bench.ok("--repo", "in", "log", "told"), /As I say[^]*and why/);

  truncateSync(bench.at("streams"), streams.length - 40);
  const cut = bench.regrow("--repo", "in", "import", "--from=btrfs-send", "-b", "cut", "streams");
  assert.equal(cut.code, EXIT.verification, cut.err);
  writeFileSync(bench.at("changes"), sent(source, 1));
  const alone = bench.regrow("--repo", "in", "import", "--from=btrfs-send", "-b", "cut", "changes");
  assert.equal(alone.code, EXIT.failure, alone.err);
  assert.match(alone.err, /builds on the subvolume/);
  assert.deepEqual(bench.ok("--repo", "in", "refs").match(/cut/), null);
  assert.equal(runText("find", [bench.at("in/tmp"), "-name", "regrow-*"]), "", "nothing is left behind");
});

test("two snapshots are compared by what btrfs says has changed", (t) => {
  if (!requires(t, NEEDS)) return;
  const source = mountedFileSystem(t, "btrfs", 300);
  const live = `${source}/live`;
  run("btrfs", ["-q", "subvolume", "create", live]);
  const before =
    "mkdir -p a/b c gone/deep; seq 9999 > a/b/edited; seq 5 > a/moved; seq 6 > c/kept; seq 7 > gone/deep/file; seq 8 > touched; seq 9 > replaced; seq 9 > replaced-by-another";
  run("sh", ["-c", `cd '${live}'; ${before}; setfattr -n user.x -v 1 c/kept; ln -s target a/link; mkfifo a/fifo`]);
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", live, `${source}/s0`]);
  const changes =
    "echo x >> a/b/edited; mv a/moved c/here; mv c d; rm -r gone; echo new > new; chmod 600 touched; setfattr -n user.x -v 2 d/kept; ln -sfn else a/link; rm a/fifo; cp -a replaced x; mv x replaced; (umask 77; seq 9 > x; mv x replaced-by-another)";
  run("sh", ["-c", `cd '${live}'; ${changes}; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'`]);
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", live, `${source}/s1`]);
  assert.deepEqual(bench.ok("diff", "-v", `${source}/s0`, `${source}/s1`).split("\n"), [
    "M    /a/b/edited  (content, time)",
    "D    /a/fifo",
    "M    /a/link  (target, time)",
    "R    /c/ -> /d/  (time)",
    "R    /a/moved -> /d/here",
    "M    /d/kept  (xattrs)",
    "D    /gone/",
    "D    /gone/deep/",
    "D    /gone/deep/file",
    "A    /new",
    "M    /replaced-by-another  (mode, time)",
    "M    /touched  (mode)",
  ]);
  // Two folders would have been told as a removed one and an added one.
});

/** Sockets are no part of a commit. */
function change(live: string, number: number, count: number): void {
  changeSubvolume(live, number, count, new Map());
  run("find", [live, "-type", "s", "-delete"]);
}

/** The stream of snapshot `round`: whole, or what changed since the one before. */
function sent(source: string, round: number): Buffer {
  const parent = round === 0 ? [] : ["-p", `${source}/s${round - 1}`];
  return execFileSync("btrfs", ["send", "-q", ...parent, `${source}/s${round}`], { maxBuffer: 2 ** 30 });
}

function differences(expected: string, actual: string): string {
  const options = ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i"];
  return runText("rsync", [...options, `${expected}/`, `${actual}/`]);
}
