/**
 * Somebody makes a snapshot of regrow's writable, changes it and makes it read-only again: whatever would be built upon it would take the
 * change for what was committed. Judged by what ostree reads in the commit, and by the file that the commit was made of.
 */
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { commitsOf } from "../support/machine/judge-machine.ts";
import { LAYOUTS, type Layout, makeTinyRoot, runMachine } from "../support/machine/tiny-machine.ts";
import { run, runText } from "../support/programs.ts";
import { startRegrow } from "../support/run-child.ts";
import { requires } from "../support/requires.ts";
import { atEnd, mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const NEEDS = { root: true, programs: ["btrfs", "mkfs.btrfs", "mount", "ostree"], filesystems: ["btrfs"] };
const [LAYOUT] = LAYOUTS as [Layout, Layout];

test("a snapshot that was changed is no base for the next commit, for diff or for rollback", async (t) => {
  if (!requires(t, NEEDS)) return;
  const top = mountedFileSystem(t, "btrfs", 600);
  makeTinyRoot(top, LAYOUT);
  const device = runText("findmnt", ["-n", "-o", "SOURCE", top]).replace(/\[.*/, "");
  const root = `${scratchFolder(t)}/root`;
  mkdirSync(root);
  run("mount", ["-o", "subvol=@", device, root]);
  atEnd(t, () => void run("umount", ["--lazy", root]));
  await runMachine(root, "setup", "-y");
  const first = await runMachine(root, "commit");
  const snapshot = `${top}/@regrow/base/${first}/root`;
  const original = readFileSync(`${root}/usr/bin/tool`);
  const writable = (isWritable: boolean): void =>
    void run("btrfs", ["property", "set", "-f", snapshot, "ro", String(!isWritable)]);
  const saysAltered = async (): Promise<boolean> => {
    appendFileSync(`${root}/etc/passwd`, "x");
    const { code, stderr } = await startRegrow(["--sysroot", root, "commit"]).ended;
    assert.equal(code, 0, stderr);
    return stderr.includes("was changed after the commit");
  };

  // What changes nothing in it is no reason.
  writable(true);
  writable(false);
  run("btrfs", ["-q", "subvolume", "snapshot", snapshot, `${top}/clone`]);
  run("btrfs", ["balance", "start", "--full-balance", top]);
  assert.ok(!(await saysAltered()));

  const [second] = commitsOf(top) as [string];
  const base = `${top}/@regrow/base/${second}/root`;
  run("btrfs", ["property", "set", base, "ro", "false"]);
  writeFileSync(`${base}/usr/bin/tool`, "not what was committed");
  appendFileSync(`${base}/etc/os-release`, "X=1\n");
  run("btrfs", ["property", "set", base, "ro", "true"]);
  // Both sides have the same bytes now: to the file system nothing has changed between them.
  writeFileSync(`${root}/etc/new`, "new");
  assert.equal(await runMachine(root, "diff", "--name-status"), "A\tetc/new");
  assert.ok(await saysAltered());
  const [third] = commitsOf(top) as [string];
  const cat = (commit: string, path: string): string =>
    run("ostree", ["cat", `--repo=${top}/@regrow/repo`, commit, path]).toString("latin1");
  assert.equal(cat(third, "/usr/bin/tool"), original.toString("latin1"));
  assert.equal(cat(third, "/etc/new"), "new");
  assert.ok(!(await saysAltered()));

  // The tree of the altered one is made from the repository.
  await runMachine(root, "rollback", "-y", second);
  assert.equal(readFileSync(`${top}/@/usr/bin/tool`).compare(original), 0);
  assert.ok(!readFileSync(`${top}/@/etc/os-release`, "utf8").includes("X=1"));
});
