/** A thread's part of a check: reads every object of some folders and compares it with its name. */
import { RegrowError, isErrno } from "../../base/errors.ts";
import { checksumOf } from "../../codec/ostree/checksum.ts";
import { decodeCommit } from "../../codec/ostree/commit.ts";
import { decodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import { decodeDirTree } from "../../codec/ostree/dirtree.ts";
import type { ObjectName } from "../../codec/ostree/object-name.ts";
import { readFileAt } from "../../sys/read-file.ts";
import { closeContent, hashContent, openContent } from "../content/content-format.ts";
import { listObjectFolder } from "../list-objects.ts";
import { MAX_METADATA, objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";

export interface CheckObjectsJob {
  readonly repository: Repository;
  /** `00` to `ff`. */
  readonly folders: readonly string[];
}

export interface DamagedObject extends ObjectName {
  readonly reason: string;
}

export interface CheckObjectsResult {
  readonly checked: number;
  /** Bytes of payload and metadata. */
  readonly bytes: number;
  readonly damaged: readonly DamagedObject[];
}

/** These say nothing about the object, which `fsck --delete` would remove. */
const OUR_OWN = ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ETIMEDOUT", "ENOTCONN", "ESTALE"];

export async function checkObjects({ repository, folders }: CheckObjectsJob): Promise<CheckObjectsResult> {
  // Objects of a parent repository are checked there.
  const alone: Repository = { ...repository, parent: undefined };
  const damaged: DamagedObject[] = [];
  let checked = 0;
  let bytes = 0;
  for (const folder of folders) {
    for (const object of listObjectFolder(alone, folder).objects) {
      try {
        const checking = object.kind === "file" ? checkContent(alone, object) : checkMetadata(alone, object);
        bytes += typeof checking === "number" ? checking : await checking;
        checked++;
      } catch (error) {
        // Removed meanwhile by a prune: whoever needs it will miss it.
        if (isErrno(error, "ENOENT") || (error instanceof RegrowError && error.code === "not-found")) continue;
        checked++;
        damaged.push({ ...object, reason: reasonOf(error) });
      }
    }
  }
  return { checked, bytes, damaged };
}

function checkMetadata(repository: Repository, { kind, checksum }: ObjectName): number {
  const data = readFileAt(repository.objectsFd, objectFile(repository, kind, checksum), MAX_METADATA);
  if (checksumOf(data) !== checksum) throw mismatch();
  if (kind === "commit") decodeCommit(data);
  else if (kind === "dirtree") decodeDirTree(data);
  else decodeDirMeta(data);
  return data.length;
}

function checkContent(repository: Repository, { checksum }: ObjectName): number | Promise<number> {
  const content = openContent(repository, checksum);
  const finish = (found: string): number => {
    closeContent(content);
    if (found !== checksum) throw mismatch();
    return content.size;
  };
  let hashing: ReturnType<typeof hashContent>;
  try {
    hashing = hashContent(content);
  } catch (error) {
    closeContent(content);
    throw error;
  }
  if (typeof hashing === "string") return finish(hashing);
  return hashing.then(finish, (error: unknown) => {
    closeContent(content);
    throw error;
  });
}

function mismatch(): RegrowError {
  return new RegrowError("corrupt", "its content does not match its checksum");
}

/** Of an unreadable object too (EIO): to who needs it, it is as good as damaged. */
function reasonOf(error: unknown): string {
  if (!(error instanceof RegrowError) || isErrno(error, ...OUR_OWN)) throw error;
  if (!["corrupt", "hostile", "system", "unsupported"].includes(error.code)) throw error;
  return error.message;
}
