/** Each documented exit code can be reached, and the error says what to do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, constants, copyFileSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { EXIT, EXIT_MEANINGS } from "../../src/base/exit-codes.ts";
import { takeLock } from "../../src/sys/lock.ts";
import { workbench } from "../support/cli.ts";
import { requires } from "../support/requires.ts";

const bench = workbench();

before(() => {
  bench.write("tree/file", "content\n");
  bench.ok("init", "--mode=bare-user");
  bench.ok("commit", "-q", "-b", "main", "tree");
});

test("0: done", () => expectCode(EXIT.done, "", ["log"]));

test("1: what is named does not exist", () => {
  expectCode(EXIT.failure, /^regrow: nowhere: no such branch, tag or commit\.\nhint: There is main/, ["show", "nowhere"]);
  expectCode(EXIT.failure, /^regrow: \/nowhere: no such file or folder in commit [0-9a-f]{10}\.\nhint: `regrow ls/, [
    "cat",
    "main",
    "/nowhere",
  ]);
  expectCode(EXIT.failure, /^regrow: nowhere: no such file or folder/, ["commit", "-b", "x", "nowhere"]);
  assert.equal(bench.ok("refs"), "main");
});

test("1: diff --exit-code found a difference", () => {
  bench.write("other/file", "other\n");
  assert.equal(bench.regrow("diff", "--exit-code", "./tree", "./other").code, EXIT.failure);
  assert.equal(bench.regrow("diff", "--exit-code", "./tree", "./tree").code, EXIT.done);
});

test("2: the command line makes no sense", () => {
  const wrong: readonly (readonly [RegExp, readonly string[]])[] = [
    [/^regrow: xyzzy: no such command\.\nhint: /, ["xyzzy"]],
    [/^regrow: --nonsense: no option that may stand before/, ["--nonsense", "log"]],
    [/^regrow: log: unknown option '--onelin'.*--oneline/, ["log", "--onelin"]],
    [/^regrow: show: too many arguments/, ["show", "main", "main"]],
    [/^regrow: cat: COMMIT is missing\.\nhint: See `regrow help cat`/, ["cat"]],
    [/^regrow: cat: PATH is missing\./, ["cat", "main"]],
    [/^regrow: --repo: a value is missing\./, ["--repo"]],
    [/^regrow: log: option '-n, --count <COUNT>' argument missing/, ["log", "-n"]],
    [/^regrow: --count: few: not a whole number\./, ["log", "-n", "few"]],
    [/^regrow: --timestamp: yesterday: not a time\.\nhint: /, ["commit", "--timestamp=yesterday", "-b", "main", "tree"]],
    [/^regrow: commit: which branch\?/, ["commit", "tree"]],
    [/^regrow: commit: nothing to keep/, ["--repo", "elsewhere", "commit", "-b", "main"]],
    [/^regrow: --tree: zip=x: no tree\./, ["commit", "-b", "main", "--tree=zip=x"]],
    [/^regrow: commit: has no dry run\./, ["commit", "-n", "-b", "main", "tree"]],
    [/^regrow: -m is the whole message/, ["commit", "-b", "main", "-m", "a", "-s", "b", "tree"]],
    [/^regrow: "a b": not a ref name\./, ["refs", "--create=a b", "main"]],
    [/^regrow: --mode: sparse: not a repository mode\./, ["init", "--mode=sparse", "elsewhere"]],
    [/^regrow: tcsh: no shell/, ["completion", "tcsh"]],
  ];
  for (const [pattern, args] of wrong) expectCode(EXIT.usage, pattern, args);
  assert.equal(bench.ok("log", "--oneline").split("\n").length, 1);
});

test("10: no repository", () => {
  expectCode(EXIT.noRepository, /^regrow: elsewhere: is not a repository\.\nhint: Make one with `regrow init`/, [
    "--repo",
    "elsewhere",
    "log",
  ]);
  const before = bench.environment;
  bench.environment = { ...before, REGROW_REPO: "" };
  try {
    expectCode(EXIT.noRepository, /^regrow: No repository: this folder is none/, ["log"]);
  } finally {
    bench.environment = before;
  }
});

test("11: somebody else holds the lock", async () => {
  bench.ok("init", "--mode=bare-user", "locked");
  const config = bench.at("locked/config");
  writeFileSync(config, `${readFileSync(config, "utf8")}lock-timeout-secs=0\n`);
  const fd = openSync(bench.at("locked"), constants.O_RDONLY | constants.O_DIRECTORY);
  const lock = await takeLock(fd, ".lock", { kind: "exclusive", timeoutSeconds: 0 });
  try {
    expectCode(EXIT.locked, /^regrow: .*lock.*\nhint: /i, ["commit", "--repo=locked", "-b", "main", "tree"]);
  } finally {
    lock.release();
    closeSync(fd);
  }
});

test("12: a damaged object is not passed on", () => {
  bench.ok("init", "--mode=bare-user", "damaged");
  bench.ok("commit", "-q", "--repo=damaged", "-b", "main", "tree");
  const trees = readdirSync(bench.at("damaged/objects"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".dirtree"),
  );
  for (const name of trees) {
    const file = path.join(bench.at("damaged/objects"), name);
    const data = readFileSync(file);
    data[data.length - 1]! ^= 1;
    chmodSync(file, 0o644);
    writeFileSync(file, data);
  }
  expectCode(EXIT.verification, /^regrow: damaged\/objects\/.*\.dirtree: the object is damaged: .*\nhint: `regrow fsck`/, [
    "ls",
    "--repo=damaged",
    "main",
  ]);
});

test("13: not enough space", () => {
  bench.ok("init", "--mode=bare-user", "full");
  const config = bench.at("full/config");
  writeFileSync(config, `${readFileSync(config, "utf8")}min-free-space-size=4096T\n`);
  expectCode(EXIT.noSpace, /^regrow: full: too little space: .*\nhint: Free some space/, [
    "commit",
    "--repo=full",
    "-b",
    "main",
    "tree",
  ]);
  assert.deepEqual(readdirSync(bench.at("full/tmp")), ["cache"]);
});

test("14: what exists is not overwritten, and a question without an answer is a no", () => {
  expectCode(EXIT.refused, /^regrow: tree: exists already\.\nhint: /, ["checkout", "main", "tree"]);
  bench.write("tree2/file", "x");
  bench.ok("commit", "-q", "-b", "other", "tree2");
  expectCode(EXIT.refused, /^regrow: main: stands for [0-9a-f]{10} already\./, ["refs", "--create=main", "other"]);
  expectCode(EXIT.refused, /regrow: Delete this ref\? Nobody is there to answer\.\nhint: Give --yes/, [
    "refs",
    "--delete",
    "main",
  ]);
  expectCode(EXIT.refused, /is a repository already, of mode bare-user/, ["init", "--mode=archive", "repo"]);
  assert.equal(bench.ok("refs"), "main\nother");
});

test("15: a privilege is missing", (t) => {
  if (!requires(t, { root: true })) return;
  // Who is not root may not even be able to reach the program where it lies.
  const program = bench.at("regrow");
  copyFileSync(bench.program, program, constants.COPYFILE_FICLONE);
  for (const file of [program, bench.folder]) chmodSync(file, 0o755);
  const options = { uid: 65_534, gid: 65_534, cwd: bench.folder, encoding: "utf8" } as const;
  const { status, stderr } = spawnSync(program, ["init", "denied"], options);
  assert.match(stderr, /^regrow: denied: permission denied \(mkdirat: EACCES\)\nhint: Run it as root, or choose/);
  assert.equal(status, EXIT.missing);
});

test("-v names the causes", () => {
  writeFileSync(bench.at("repo/refs/heads/broken"), "nonsense\n");
  try {
    const plain = bench.regrow("show", "broken");
    const verbose = bench.regrow("-v", "show", "broken");
    assert.equal(plain.code, EXIT.verification);
    assert.equal(verbose.code, EXIT.verification);
    assert.match(plain.err, /^regrow: .*broken: the ref is damaged\.\nhint: .*\n$/);
    assert.match(verbose.err, /^regrow: .*broken: the ref is damaged\.\nbecause: "nonsense" is not a checksum\.\nhint: .*\n$/);
  } finally {
    writeFileSync(bench.at("repo/refs/heads/broken"), readFileSync(bench.at("repo/refs/heads/main")));
  }
});

test("docs/exit-codes.md has all of them", () => {
  const text = readFileSync(path.join(import.meta.dirname, "../../docs/exit-codes.md"), "utf8");
  const rows = [...text.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)].map(([, code, meaning]) => [Number(code), meaning]);
  assert.deepEqual(
    rows,
    Object.entries(EXIT_MEANINGS).map(([code, meaning]) => [Number(code), meaning]),
  );
});

function expectCode(code: number, err: RegExp | string, args: readonly string[]): void {
  const ran = bench.regrow(...args);
  assert.equal(ran.code, code, `${args.join(" ")}: ${ran.err}`);
  if (typeof err === "string") assert.equal(ran.err, err);
  else {
    assert.match(ran.err, err);
    assert.equal(ran.out, "");
  }
}
