/** File systems for the conformance suite of volume drivers, and its independent judges. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { bytesOf } from "../../src/base/byte-string.ts";
import { CWD, O, closeFd, openAt } from "../../src/sys/open.ts";
import type { Place, VolumeDriver } from "../../src/volume/driver.ts";
import { openVolume } from "../../src/volume/open-volume.ts";
import { diskFacts, factDifferences } from "./disk-facts.ts";
import { runText, tryRun } from "./programs.ts";
import { type FileSystem, atEnd, mountedFileSystem } from "./scratch.ts";

export const FILE_SYSTEMS: readonly FileSystem[] = ["btrfs", "ext4", "xfs", "xfs without reflink"];

export const VOLUME_NEEDS = {
  root: true,
  programs: [
    "btrfs",
    "mkfs.btrfs",
    "mkfs.ext4",
    "mkfs.xfs",
    "mount",
    "python3",
    "rsync",
    "lsattr",
    "filefrag",
    "setfacl",
    "setfattr",
  ],
  filesystems: ["btrfs", "ext4", "xfs"],
};

export interface Volume {
  readonly kind: FileSystem;
  readonly driver: VolumeDriver;
  /** Where it is mounted. */
  readonly folder: string;
  readonly fd: number;
  place(name: string): Place;
  at(name: string): string;
  /** A new tree that can be snapshotted: a subvolume, or a folder. */
  makeTree(name: string): string;
}

/** Unmounted after the test; what is still immutable doesn't matter to that. */
export function mountVolume(t: TestContext, kind: FileSystem, megabytes: number): Volume {
  const folder = mountedFileSystem(t, kind, megabytes);
  const fd = openAt(CWD, bytesOf(folder), O.RDONLY | O.DIRECTORY);
  atEnd(t, () => closeFd(fd));
  const driver = openVolume(fd);
  return {
    kind,
    driver,
    folder,
    fd,
    place: (name) => ({ folderFd: fd, name: bytesOf(name) }),
    at: (name) => `${folder}/${name}`,
    makeTree: (name) => {
      const path = `${folder}/${name}`;
      if (driver.capabilities.nested) runText("btrfs", ["-q", "subvolume", "create", path]);
      else runText("mkdir", [path]);
      return path;
    },
  };
}

/** By rsync, by system calls alone, and by lsattr. */
export function assertSameTree(expected: string, actual: string, what = ""): void {
  const options = ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i"];
  assert.equal(runText("rsync", [...options, `${expected}/`, `${actual}/`]), "", `rsync: ${what}`);
  const [before, after] = [expected, actual].map((folder) => diskFacts(folder, { withContent: false })) as [Facts, Facts];
  assert.deepEqual(factDifferences(before, after), [], what);
  assert.deepEqual(lsattr(actual), lsattr(expected), what);
}

type Facts = ReturnType<typeof diskFacts>;

/** Without what the file system sets for itself (extents, index, inline data). */
function lsattr(folder: string): string[] {
  return tryRun("lsattr", ["-R", "-a", "."], { cwd: folder })
    .stdout.toString("latin1")
    .split("\n")
    .filter((line) => line !== "" && !line.endsWith(":") && !/ \.\/\.\.?$/.test(line))
    .map((line) => line.replace(/^\S+/, (flags) => flags.replaceAll(/[eIN]/g, "-")))
    .toSorted();
}

/** Where a file's blocks are on the disk, as filefrag tells it. */
export function blocksOf(file: string): string[] {
  runText("sync", ["-f", file]);
  return [...runText("filefrag", ["-v", "-s", file]).matchAll(/^\s*\d+:\s+\d+\.\.\s*\d+:\s+(\d+)\.\.\s*(\d+):/gm)].map(
    ([, from, to]) => `${from}-${to}`,
  );
}

/** Names of work that is not finished, anywhere on the volume. */
export function unfinishedOn(volume: Volume): string {
  return runText("find", [volume.folder, "-name", ".regrow-*"]);
}

/** Of the trees that the driver lists. */
export function namesIn(driver: VolumeDriver, fd: number): string[] {
  const names = driver.list(fd).map(({ name }) => name as string);
  return names.filter((name) => name !== "lost+found");
}
