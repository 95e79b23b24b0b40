/** Puts the engine's files into a root, or takes them out. Cut anywhere, what is there works or is not called; the next run ends it. */
import type { ByteString } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { readPackagedFile } from "../../sys/assets.ts";
import { fsyncFd, removeTemporaries, replaceFileAt } from "../../sys/durable.ts";
import { tryMakeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, duplicateFd, openBeneath } from "../../sys/open.ts";
import type { EngineFacts } from "./engine-facts.ts";
import { type EngineFile, REMAKE_INITRAMFS, allEnginePaths } from "./engine-files.ts";

export interface EngineInstallPlan {
  /** In the order of writing. `replaces`: another content stands there. */
  readonly write: readonly { readonly file: EngineFile; readonly replaces: boolean }[];
  readonly unchanged: readonly EngineFile[];
  /** A program with its arguments, to be run in that root after the files were written; none where no file changes. */
  readonly remakeInitramfs: readonly (readonly string[])[];
  /** What a person should know before. */
  readonly warnings: readonly string[];
}

/** Pure. */
export function planEngineInstall({ machine, files }: EngineFacts): EngineInstallPlan {
  const changed = files.filter(({ state }) => state !== "same");
  const warnings: string[] = [];
  if (!machine.hasSystemd) warnings.push("There is no systemd: a switch waits for the next start, and for a kernel that fits.");
  if (machine.generators.length === 0) {
    warnings.push("There is no initramfs-tools, dracut or mkinitcpio: a switch happens at the end of a shutdown only.");
  }
  const [first, ...others] = machine.generators;
  if (others.length > 0) {
    warnings.push(`There are ${machine.generators.join(" and ")}: ${first} is taken for the one that makes the images.`);
  }
  return {
    write: changed.map(({ file, state }) => ({ file, replaces: state === "other" })),
    unchanged: files.filter(({ state }) => state === "same").map(({ file }) => file),
    remakeInitramfs: changed.length === 0 ? [] : machine.generators.slice(0, 1).map((generator) => REMAKE_INITRAMFS[generator]),
    warnings,
  };
}

/** Writes the plan's files into the root that is open as `rootFd`, each at once and durably. Throws SystemError, `hostile`. */
export function installEngine(rootFd: number, plan: EngineInstallPlan): void {
  for (const { file } of plan.write) {
    const folderFd = makeFolder(rootFd, folderOf(file.path));
    try {
      // A run that was killed may have left one.
      removeTemporaries(folderFd, ".", nameOf(file.path));
      replaceFileAt(folderFd, ".", nameOf(file.path), readPackagedFile(file.content), { mode: file.mode, exactMode: true });
    } finally {
      closeFd(folderFd);
    }
  }
}

/**
 * Takes every file away that an engine of any machine has, those first that call another, and leaves the folders. Returns the paths that
 * were there. The initramfs images have to be made anew afterwards. Throws SystemError, `hostile`.
 */
export function removeEngine(rootFd: number): ByteString[] {
  return allEnginePaths()
    .toReversed()
    .filter((path) => removeFile(rootFd, path));
}

function removeFile(rootFd: number, path: ByteString): boolean {
  let folderFd: number;
  try {
    folderFd = openBeneath(rootFd, folderOf(path), O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
  try {
    const existed = tryUnlinkAt(folderFd, nameOf(path));
    if (existed) fsyncFd(folderFd);
    return existed;
  } finally {
    closeFd(folderFd);
  }
}

// Makes what is missing of the path, and never follows a link.
function makeFolder(rootFd: number, path: ByteString): number {
  let fd = duplicateFd(rootFd);
  for (const name of path.split("/") as ByteString[]) {
    try {
      if (tryMakeDirAt(fd, name, 0o755)) fsyncFd(fd);
      const next = openBeneath(fd, name, O.RDONLY | O.DIRECTORY);
      closeFd(fd);
      fd = next;
    } catch (error) {
      closeFd(fd);
      if (!isErrno(error, "ENOTDIR")) throw error;
      throw new RegrowError("exists", `/${path}: is no folder, so the engine can't be put there.`, { path, cause: error });
    }
  }
  return fd;
}

function folderOf(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf("/")) as ByteString;
}

function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf("/") + 1) as ByteString;
}
