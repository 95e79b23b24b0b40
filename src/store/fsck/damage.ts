/** What can be wrong with an object, and which failures say so. */
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { ObjectKind } from "../../codec/ostree/object-name.ts";

/** Detached metadata is no object, but lies among them, and what reads a commit reads it. */
export interface CheckedName {
  readonly kind: ObjectKind | "commitmeta";
  readonly checksum: Checksum;
}

export interface DamagedObject extends CheckedName {
  readonly reason: string;
  /** Its bytes are those that its name calls for, and yet they make no sense: nobody has better ones. */
  readonly isMalformed?: boolean;
}

export function mismatch(): RegrowError {
  return new RegrowError("corrupt", "its content does not match its checksum");
}

export function impostor(): RegrowError {
  return new RegrowError("corrupt", "what stands in its place is no regular file");
}

/** Whether the object was removed meanwhile, by a prune: whoever needs it will miss it. */
export function isGone(error: unknown): boolean {
  return isErrno(error, "ENOENT") || (error instanceof RegrowError && error.code === "not-found");
}

/**
 * Why an object can't be read. Of an unreadable one too (EIO): to who needs it, it is as good as damaged. Throws an error that
 * says nothing about the object.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof RegrowError) || isErrno(error, ...OUR_OWN)) throw error;
  if (!["corrupt", "hostile", "system", "unsupported"].includes(error.code)) throw error;
  return error.message;
}

/** These say nothing about the object, which `fsck --delete` would remove. */
const OUR_OWN = ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ETIMEDOUT", "ENOTCONN", "ESTALE"];
