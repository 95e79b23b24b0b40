/**
 * A new ext4 in a file, mounted for one group of measurements: what was deleted before can't slow anybody down (ext4 searches
 * past inodes that were freed in the last minutes). Without root the temp folder has to do.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Runs `work` with a folder on it. */
export async function onFreshFileSystem<T>(work: (folder: string) => Promise<T> | T): Promise<T> {
  const base = mkdtempSync(path.join(tmpdir(), "regrow-bench-"));
  const folder = path.join(base, "fs");
  mkdirSync(folder);
  const isRoot = process.geteuid!() === 0;
  try {
    if (isRoot) mountNew(path.join(base, "image"), folder);
    return await work(folder);
  } finally {
    if (isRoot) run("umount", ["--lazy", folder], false);
    rmSync(base, { recursive: true, force: true });
  }
}

function mountNew(image: string, folder: string): void {
  run("truncate", ["-s", "40G", image]);
  run("mkfs.ext4", ["-q", "-F", "-N", "4000000", "-E", "lazy_itable_init=1,lazy_journal_init=1", image]);
  run("mount", ["-o", "loop", image, folder]);
}

function run(program: string, args: readonly string[], must = true): void {
  const { status, stderr } = spawnSync(program, [...args], { encoding: "utf8" });
  if (must && status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
