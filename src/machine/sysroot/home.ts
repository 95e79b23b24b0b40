/** The folder that regrow keeps on a machine, and the version of what is in it. */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { getKey, parseKeyfile } from "../../codec/keyfile.ts";
import { createSubvolume } from "../../sys/btrfs/subvolumes.ts";
import { replaceFileAt, syncFileSystem } from "../../sys/durable.ts";
import { chmodFd } from "../../sys/metadata.ts";
import { makeDirs, tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, openAt, tryOpenAt } from "../../sys/open.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";
import { initRepository } from "../../store/repository.ts";

export const HOME_SUBVOLUME = "@regrow";
export const HOME_FOLDER = "var/lib/regrow";
const FORMAT = "format";
const FOLDERS = ["base", "next", "history", "deploy", "policy", "log", "bin"];
const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const FORMAT_TEXT = "[format]\nversion=1\ncompatible=\nread-only-compatible=\nincompatible=\n";

/** Where it is: a subvolume in the top level, or a folder of the root. */
export interface HomePlace {
  readonly kind: "btrfs" | "folder";
  /** The top level, or the root. */
  readonly dirFd: number;
}

/** The open folder; undefined where there is none, or one that was not finished. Throws `unsupported` where a newer regrow made it. */
export function openHome({ kind, dirFd }: HomePlace): number | undefined {
  const fd = tryOpenAt(dirFd, kind === "btrfs" ? HOME_SUBVOLUME : HOME_FOLDER, FOLDER);
  if (fd < 0) return undefined;
  try {
    const text = tryReadFileAt(fd, FORMAT, 64 * 1024);
    if (text !== undefined) {
      refuseNewer(text.toString("utf8"));
      return fd;
    }
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  closeFd(fd);
  return undefined;
}

/** Makes it, or finishes what was begun. The format comes last: without it there is no home. Throws `no-space`, SystemError. */
export function makeHome({ kind, dirFd }: HomePlace): void {
  if (kind === "btrfs") tryCreateSubvolume(dirFd);
  else makeDirs(dirFd, HOME_FOLDER);
  const fd = openAt(dirFd, kind === "btrfs" ? HOME_SUBVOLUME : HOME_FOLDER, FOLDER);
  try {
    // Old programs with setuid are in there.
    chmodFd(fd, 0o700);
    for (const folder of FOLDERS) tryMakeDirAt(fd, folder, 0o700);
    initRepository(repositoryIn(fd), { mode: kind === "btrfs" ? "bare" : "archive" });
    syncFileSystem(fd);
    replaceFileAt(fd, ".", FORMAT, Buffer.from(FORMAT_TEXT));
  } finally {
    closeFd(fd);
  }
}

/** A path for the store. The mount that holds it may have no name. */
export function repositoryIn(homeFd: number): string {
  return `/proc/self/fd/${homeFd}/repo`;
}

function tryCreateSubvolume(dirFd: number): void {
  try {
    createSubvolume(dirFd, bytesOf(HOME_SUBVOLUME));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

function refuseNewer(text: string): void {
  const file = parseKeyfile(text);
  const flags = getKey(file, "format", "incompatible") ?? "";
  const version = getKey(file, "format", "version");
  if (version === "1" && flags === "") return;
  throw new RegrowError(
    "unsupported",
    `${HOME_SUBVOLUME}: made by a newer regrow (version ${version}, ${flags || "no flags"}).`,
    {
      path: HOME_SUBVOLUME,
      hint: "Use that regrow: @regrow/bin has it.",
    },
  );
}
