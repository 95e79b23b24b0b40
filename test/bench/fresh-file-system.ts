/**
 * A new file system for one group of measurements, on an image whose blocks are all there already: in a sparse file the measured time
 * would be that of finding room for it. It is mounted without a second page cache below it (direct I/O), as a disk would be. What was
 * deleted before can't slow anybody down: ext4 searches past inodes that were freed in the last minutes. Without root the temp folder
 * has to do.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export type FileSystem = "ext4" | "btrfs" | "xfs";

const MAKE: Record<FileSystem, readonly string[]> = {
  ext4: ["mkfs.ext4", "-q", "-F", "-N", "2000000", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"],
  btrfs: ["mkfs.btrfs", "-q", "-f", "-K"],
  xfs: ["mkfs.xfs", "-q", "-f", "-K"],
};
/** Megabytes: room for a file of 4 GiB and 500,000 small ones, twice. */
const SIZE = 16_000;

let image: string | undefined;

/** Runs `work` with a folder on it. */
export async function onFreshFileSystem<T>(kind: FileSystem, work: (folder: string) => Promise<T> | T): Promise<T> {
  const base = mkdtempSync(path.join(tmpdir(), "regrow-bench-"));
  const folder = path.join(base, "fs");
  mkdirSync(folder);
  const isRoot = process.geteuid!() === 0;
  try {
    if (isRoot) mountNew(kind, folder);
    return await work(folder);
  } finally {
    if (isRoot) run(["umount", "--lazy", folder], false);
    rmSync(base, { recursive: true, force: true });
  }
}

/** The image is made once for all groups. */
function mountNew(kind: FileSystem, folder: string): void {
  image ??= writtenImage();
  const [program, ...args] = MAKE[kind];
  run([program!, ...args, image]);
  const device = run(["losetup", "--find", "--show", "--direct-io=on", image]);
  run(["mount", device, folder]);
  // It goes when the file system does.
  run(["losetup", "--detach", device]);
}

function writtenImage(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "regrow-bench-image-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "image");
  process.stderr.write(`writing ${SIZE} MB as a disk for the measurements\n`);
  run(["dd", "if=/dev/zero", `of=${file}`, "bs=1M", `count=${SIZE}`, "conv=fsync", "status=none"]);
  if (!existsSync(file)) throw new Error("the image was not made");
  return file;
}

function run([program, ...args]: readonly string[], must = true): string {
  const { status, stderr, stdout } = spawnSync(program!, args, { encoding: "utf8" });
  if (must && status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}
