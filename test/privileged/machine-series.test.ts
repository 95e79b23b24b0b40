/**
 * Random changes of a machine, committed, taken back and changed again: each commit has the root of a full scan, which `--verify` compares
 * before it is published, and the root that `ostree commit` gives to the same snapshot.
 */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { atEnd, mountedFileSystem, scratchFolder } from "../support/scratch.ts";
import { changeSubvolume } from "../support/subvolume-changes.ts";
import { LAYOUTS, type Layout, makeTinyRoot, runMachine } from "../support/machine/tiny-machine.ts";
import { commitsOf } from "../support/machine/judge-machine.ts";
import { run, runText } from "../support/programs.ts";
import { seed } from "../support/property.ts";
import { newOstreeRepository, ostreeRoot } from "../support/repositories.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";

const NEEDS = { root: true, programs: ["btrfs", "mkfs.btrfs", "mount", "ostree", "python3", "setfacl"], filesystems: ["btrfs"] };
const SERIES = process.env["REGROW_LONG"] === "1" ? 30 : 3;
const CHANGES = 25;
const cleaner = new URL("../support/what-ostree-holds.py", import.meta.url).pathname;

test("a machine's commits are full scans, also after going back", async (t) => {
  if (!requires(t, NEEDS)) return;
  const [layout] = LAYOUTS as [Layout, Layout];
  const top = mountedFileSystem(t, "btrfs", 1200);
  const device = runText("findmnt", ["-n", "-o", "SOURCE", top]).replace(/\[.*/, "");
  makeTinyRoot(top, layout);
  mkdirSync(`${top}/@/changing`);
  const root = `${scratchFolder(t)}/root`;
  mkdirSync(root);
  const mount = (): void => void run("mount", ["-o", "subvol=@", device, root]);
  mount();
  atEnd(t, () => void run("umount", ["--lazy", root]));
  const other = newOstreeRepository(`${scratchFolder(t)}/repository`, "bare-user");
  const commitAndJudge = async (): Promise<void> => {
    await runMachine(root, "commit", "--verify");
    const [commit] = commitsOf(top) as [string];
    // Without what ostree can't hold.
    const plain = `${top}/plain`;
    run("btrfs", ["-q", "subvolume", "snapshot", `${top}/@regrow/base/${commit}/root`, plain]);
    run("python3", [cleaner, plain]);
    const theirs = runText("ostree", ["commit", `--repo=${other}`, "--orphan", "-s", "x", `--tree=dir=${plain}`]);
    run("btrfs", ["-q", "subvolume", "delete", plain]);
    assert.deepEqual(ostreeRoot(`${top}/@regrow/repo`, commit), ostreeRoot(other, theirs));
  };
  const counts = new Map<string, number>();
  await runMachine(root, "setup", "-y");
  await commitAndJudge();
  for (let series = 0; series < SERIES; series++) {
    const change = (part: number): void => changeSubvolume(`${root}/changing`, 2 * series + part, CHANGES, counts);
    change(0);
    await commitAndJudge();
    await runMachine(root, "rollback", "-y", "main^");
    run("umount", [root]);
    mount();
    change(1);
    await commitAndJudge();
  }
  const made = [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
  t.diagnostic(`seed ${seed}, ${SERIES} series: ${made}`);
  tally("generated trees", "series of a machine's commits", 2 * SERIES);
});
