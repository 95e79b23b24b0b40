/** Telling a repository from a folder that merely looks alike, such as git's own, without an error. */
import { bytesOf } from "../base/byte-string.ts";
import { isErrno } from "../base/errors.ts";
import { existsAt } from "../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../sys/open.ts";
import { tryReadFileAt } from "../sys/read-file.ts";

const MAX_CONFIG = 1024 * 1024;

/** Whether `path` has a config with `repo_version` and a folder of objects. False too where it may not be looked into. */
export function looksLikeRepository(path: string): boolean {
  try {
    const fd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
    try {
      return existsAt(fd, "objects") && hasVersion(tryReadFileAt(fd, "config", MAX_CONFIG));
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "EISDIR")) return false;
    throw error;
  }
}

// Not by the keyfile parser: whatever else bears that name is no error here.
function hasVersion(config: Buffer | undefined): boolean {
  return config !== undefined && /^repo_version\s*=/m.test(config.toString("latin1"));
}
