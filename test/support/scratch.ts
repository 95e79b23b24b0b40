/** Folders and file systems that end with the test. */
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import type { TestContext } from "node:test";
import { run, tryRun } from "./programs.ts";

/** On a real disk: /tmp may be a tmpfs, which has neither flags nor trusted attributes. */
const PLACE = "/var/tmp";

/** A new folder that everybody may enter, removed after the test whatever stands in it. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(`${PLACE}/regrow-`);
  run("chmod", ["755", folder]);
  atEnd(t, () => removeTree(folder));
  return folder;
}

const ends = new WeakMap<TestContext, (() => void)[]>();

/** Runs `work` after the test; what was asked for last comes first. */
export function atEnd(t: TestContext, work: () => void): void {
  const known = ends.get(t);
  if (known !== undefined) return void known.push(work);
  const list = [work];
  ends.set(t, list);
  t.after(() => {
    for (const end of list.toReversed()) end();
  });
}

/** Removes what may be immutable. */
export function removeTree(folder: string): void {
  if (process.geteuid!() === 0) tryRun("chattr", ["-R", "-f", "-ia", folder]);
  rmSync(folder, { recursive: true, force: true });
}

const MAKE: Record<FileSystem, readonly string[]> = {
  ext4: ["mkfs.ext4", "-q", "-F", "-I", "256"],
  btrfs: ["mkfs.btrfs", "-q", "-f"],
  xfs: ["mkfs.xfs", "-q", "-f", "-m", "reflink=1"],
  "xfs without reflink": ["mkfs.xfs", "-q", "-f", "-m", "reflink=0"],
};

export type FileSystem = "ext4" | "btrfs" | "xfs" | "xfs without reflink";

/** A new file system of its own in a sparse file, mounted; unmounted and removed after the test. Needs root. */
export function mountedFileSystem(t: TestContext, kind: FileSystem, megabytes: number): string {
  const folder = scratchFolder(t);
  const image = `${folder}/image`;
  const fd = openSync(image, "w");
  ftruncateSync(fd, megabytes * 1024 * 1024);
  closeSync(fd);
  const [program, ...args] = MAKE[kind];
  run(program!, [...args, image]);
  const mountPoint = `${folder}/mounted`;
  mkdirSync(mountPoint);
  run("mount", ["-o", "loop", image, mountPoint]);
  atEnd(t, () => void run("umount", ["--lazy", mountPoint]));
  return mountPoint;
}
