/** A small file system of its own in an image file, mounted for as long as a test runs. Needs root. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const MAKE: Record<string, readonly string[]> = {
  ext4: ["mkfs.ext4", "-q", "-m", "0"],
  btrfs: ["mkfs.btrfs", "-q"],
  xfs: ["mkfs.xfs", "-q"],
};

/** Makes and mounts a file system of `megabytes`, runs `use` with the folder where it is mounted, and takes it all away. */
export function withLoopFileSystem(kind: "ext4" | "btrfs" | "xfs", megabytes: number, use: (folder: string) => void): void {
  const { folder, end } = mountLoop(kind, megabytes);
  try {
    use(folder);
  } finally {
    end();
  }
}

/** The same for work that takes its time. */
export async function withLoopFileSystemAsync(
  kind: "ext4" | "btrfs" | "xfs",
  megabytes: number,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const { folder, end } = mountLoop(kind, megabytes);
  try {
    await use(folder);
  } finally {
    end();
  }
}

function mountLoop(kind: string, megabytes: number): { folder: string; end: () => void } {
  const home = mkdtempSync(path.join(os.tmpdir(), "regrow-loop-"));
  const image = `${home}/image`;
  const folder = `${home}/mounted`;
  mkdirSync(folder);
  writeFileSync(image, "");
  truncateSync(image, megabytes * 2 ** 20);
  try {
    const [program, ...options] = MAKE[kind]!;
    execFileSync(program!, [...options, image], { env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` } });
    execFileSync("mount", ["-o", "loop", image, folder]);
  } catch (error) {
    rmSync(home, { recursive: true });
    throw error;
  }
  return {
    folder,
    end: () => {
      execFileSync("umount", [folder]);
      rmSync(home, { recursive: true });
    },
  };
}
