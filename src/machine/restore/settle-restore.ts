/**
 * A restore that was cut leaves a half-made tree, or what it has replaced, beside the path. `log/restore` names the folders where that may
 * be for as long as a restore goes on, so that the next command takes it away wherever it is.
 */
import type { ByteString } from "../../base/byte-string.ts";
import { isErrno } from "../../base/errors.ts";
import { fsyncDirAt, replaceFileAt } from "../../sys/durable.ts";
import { removeTreeAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";

const FOLDER = "log";
const NAME = "restore";
const UNFINISHED = /^\.regrow-restore-/;
const MOST_BYTES = 64 * 1024 * 1024;

/** `folders`: from the root. Durable before anything is made in them. */
export function beginRestore(homeFd: number, folders: readonly ByteString[]): void {
  replaceFileAt(homeFd, FOLDER, NAME, Buffer.from(folders.map((folder) => `${folder}\0`).join(""), "latin1"), { mode: 0o600 });
}

export function endRestore(homeFd: number): void {
  if (tryUnlinkAt(homeFd, `${FOLDER}/${NAME}`)) fsyncDirAt(homeFd, FOLDER);
}

/** Takes away what a restore that was cut has left. For who holds the machine's lock. Throws SystemError. */
export function settleRestore(rootFd: number, homeFd: number): void {
  const content = tryReadFileAt(homeFd, `${FOLDER}/${NAME}`, MOST_BYTES);
  if (content === undefined) return;
  const folders = content.toString("latin1").split("\0").slice(0, -1) as ByteString[];
  for (const folder of folders) removeUnfinished(rootFd, folder);
  endRestore(homeFd);
}

function removeUnfinished(rootFd: number, folder: ByteString): void {
  try {
    const fd = openBeneath(rootFd, folder, O.RDONLY | O.DIRECTORY);
    try {
      for (const { name } of readDir(fd)) if (UNFINISHED.test(name)) removeTreeAt(fd, name);
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    // The folder itself is gone.
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
  }
}
