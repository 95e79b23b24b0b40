/**
 * What a rewriting of history leaves over, so that a cut leaves nothing for ever: `regrow/forgotten` names the old commits and the new
 * ones, written durably before the first new one. Whichever of the two no ref leads to, the next prune removes, and then the file.
 *
 *   "regrow-forgotten-1 <sha256 of what follows>", then "<checksum>" a line
 */
import { RegrowError } from "../../base/errors.ts";
import { type Checksum, checksumOf, isChecksum } from "../../codec/ostree/checksum.ts";
import { fsyncDirAt, fsyncFd } from "../../sys/durable.ts";
import { renameAt, tryMakeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";
import { writeAt } from "../../sys/write-file.ts";
import type { Repository } from "../repository.ts";

const LIST = "regrow/forgotten";
/** The list as it is being written, by who holds the lock of the rewriting. */
const UNFINISHED = "regrow/forgotten.new";
const MARK = "regrow-forgotten-1";
const MAX_SIZE = 256 * 1024 * 1024;

/** Commits that may go where no ref leads to them. Throws `corrupt`. */
export function forgottenCommits(repository: Repository): Checksum[] {
  const data = tryReadFileAt(repository.fd, LIST, MAX_SIZE);
  if (data === undefined) return [];
  const end = data.indexOf("\n") + 1;
  const commits = data.toString("latin1", end).split("\n").slice(0, -1);
  if (data.toString("latin1", 0, end) === `${MARK} ${checksumOf(data.subarray(end))}\n` && commits.every(isChecksum)) {
    return commits as Checksum[];
  }
  const path = `${repository.path}/${LIST}`;
  throw new RegrowError("corrupt", `${path}: the list of rewritten commits is damaged.`, {
    path,
    hint: "Delete that file, then run the `regrow forget` again that was cut.",
  });
}

/** Durably; what an earlier one that was cut has left is kept. For who holds the lock of the rewriting. */
export function noteForgotten(repository: Repository, commits: Iterable<Checksum>): void {
  const all = new Set([...forgottenCommits(repository), ...commits]);
  const lines = [...all].map((commit) => `${commit}\n`).join("");
  tryMakeDirAt(repository.fd, "regrow", 0o755);
  tryUnlinkAt(repository.fd, UNFINISHED);
  const fd = openAt(repository.fd, UNFINISHED, O.WRONLY | O.CREAT | O.EXCL, 0o644);
  try {
    writeAt(fd, Buffer.from(`${MARK} ${checksumOf(Buffer.from(lines))}\n${lines}`), 0);
    if (repository.config.fsync) fsyncFd(fd);
  } finally {
    closeFd(fd);
  }
  renameAt(repository.fd, UNFINISHED, repository.fd, LIST);
  if (repository.config.fsync) fsyncDirAt(repository.fd, "regrow");
}

/** They are gone, or are to stay. */
export function finishForgotten(repository: Repository): void {
  tryUnlinkAt(repository.fd, LIST);
}
