/** A folder of this machine as the source of an install; copied by tar, so that tests depend on no code of the store. */
import { lstatSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Observer } from "../../src/base/events.ts";
import type { TreeSource } from "../../src/machine/tree-source.ts";
import { startProgram } from "../../src/sys/run-program.ts";

export function folderSource(folder: string): TreeSource {
  return {
    describe: async () => ({ name: folder, ...measure(folder) }),
    list: async (path) => (isFolder(join(folder, path)) ? readdirSync(join(folder, path)) : []),
    read: async (path) => (isFile(join(folder, path)) ? readFileSync(join(folder, path)) : undefined),
    writeTo: (rootFd, observer) => copy(folder, rootFd, observer),
  };
}

async function copy(folder: string, rootFd: number, { signal }: Observer): Promise<void> {
  const kept = ["--numeric-owner", "--xattrs", "--xattrs-include=*"];
  const from = startProgram({ program: "tar", args: ["--create", ...kept, "--directory", folder, "."], effect: "read", signal });
  const to = startProgram({ program: "tar", args: ["--extract", "-p", ...kept], effect: "change", folderFd: rootFd, signal });
  from.stdin.end();
  to.stdout.resume();
  // How the pipe ends depends on which program closes it first; whether all went through is told by their exit codes.
  const piped = pipeline(from.stdout, to.stdin).catch(() => {});
  const results = await Promise.allSettled([from.finished, to.finished, piped]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

// Not by readdir's own recursion, which follows symbolic links to folders.
function measure(folder: string): { entries: number; bytes: number } {
  const sum = { entries: 0, bytes: 0 };
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const below = entry.isDirectory() ? measure(path) : { entries: 0, bytes: entry.isFile() ? lstatSync(path).size : 0 };
    sum.entries += 1 + below.entries;
    sum.bytes += below.bytes;
  }
  return sum;
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
