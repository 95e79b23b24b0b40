/**
 * FAT32, made and written in user space by dosfstools and mtools: needs neither root nor a kernel that knows FAT, and works on
 * an image as on a disk.
 */
import type { Observer } from "../base/events.ts";
import { runProgram } from "../sys/run-program.ts";
import type { FileSystemDriver, FileToPut } from "./file-system-driver.ts";
import type { PlannedFileSystem } from "./plan-disk.ts";
import type { Region } from "./region.ts";

const MiB = 2 ** 20;
// FAT32 has at least 65525 clusters; mtools and firmware take fewer for FAT16. Below this size clusters must be the smallest.
const SMALLEST_FOR_LARGE_CLUSTERS = 260 * MiB;

export const FAT: FileSystemDriver = {
  programs: ["mkfs.vfat", "mmd", "mcopy"],
  fstab: { type: "vfat", pass: 2 },
  // Two tables of 4 bytes a cluster of at least 512 bytes, half a large cluster lost a file, and some room for the next kernel's pieces.
  spaceFor: (contentBytes, entries) => Math.ceil(contentBytes * (1 + 8 / 512)) + entries * 32768 + 4 * MiB,
  make,
  putFile,
};

async function make(region: Region, plan: PlannedFileSystem, observer: Observer): Promise<void> {
  const clusters = region.length < SMALLEST_FOR_LARGE_CLUSTERS ? ["-s", "1"] : [];
  const identity = ["-i", plan.id.replace("-", ""), "-n", plan.label];
  const place = [`--offset=${region.offset / 512}`, region.path, String(region.length / 1024)];
  await run("mkfs.vfat", ["-F", "32", ...clusters, ...identity, ...place], observer);
}

async function putFile(region: Region, file: FileToPut, observer: Observer): Promise<void> {
  const image = ["-i", `${region.path}@@${region.offset}`];
  for (const folder of parentsOf(file.path)) {
    // Whether the folder is there already is told only by a failure to make it; a real one shows when the file is copied.
    await run("mmd", ["-D", "s", ...image, `::${folder}`], observer, "", [1]);
  }
  await run("mcopy", ["-o", ...image, "-", `::${file.path}`], observer, file.content);
}

function parentsOf(path: string): string[] {
  const pieces = path.split("/").slice(0, -1);
  return pieces.map((_, index) => pieces.slice(0, index + 1).join("/"));
}

async function run(
  program: string,
  args: readonly string[],
  observer: Observer,
  input: Uint8Array | string = "",
  answers: readonly number[] = [],
): Promise<void> {
  const environment = { MTOOLSRC: "/dev/null" };
  await runProgram({ program, args, effect: "change", environment, answers, signal: observer.signal }, input);
}
