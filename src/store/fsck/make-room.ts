/** Taking what bears an object's name out of its place. */
import { isErrno } from "../../base/errors.ts";
import { type ObjectKind, looseName } from "../../codec/ostree/object-name.ts";
import { removeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { S_IFDIR, tryStatAt, typeOf } from "../../sys/stat.ts";
import { objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { CheckedName } from "./damage.ts";

/** A rename can replace anything but a folder. False where one stands there that is not empty: what it holds is somebody's. */
export function makeRoom(repository: Repository, object: CheckedName): boolean {
  const name = fileOf(repository, object);
  const stat = tryStatAt(repository.objectsFd, name);
  if (stat === undefined || typeOf(stat.mode) !== S_IFDIR) return true;
  try {
    removeDirAt(repository.objectsFd, name);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOTEMPTY", "EEXIST")) return false;
    throw error;
  }
}

/** False where a folder stands there that is not empty. */
export function removeObject(repository: Repository, object: CheckedName): boolean {
  if (!makeRoom(repository, object)) return false;
  tryUnlinkAt(repository.objectsFd, fileOf(repository, object));
  return true;
}

function fileOf(repository: Repository, { kind, checksum }: CheckedName): string {
  return kind === "commitmeta" ? looseName(checksum, kind) : objectFile(repository, kind satisfies ObjectKind, checksum);
}
