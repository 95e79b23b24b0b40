/** What a commit changes about the metadata that it finds. */
import type { ByteString } from "../../base/byte-string.ts";
import type { XattrRecord } from "../../codec/ostree/xattrs.ts";
import type { Repository } from "../repository.ts";
import { isHashedXattr } from "../xattr-filter.ts";

export interface ScanOptions {
  /** Owner root, and no permission beyond 0755: `mode & (type | 0755)`. Goes with `noXattrs`. */
  readonly canonicalPermissions: boolean;
  readonly ownerUid: number | undefined;
  readonly ownerGid: number | undefined;
  readonly noXattrs: boolean;
  /** Don't enter other file systems that are mounted below. */
  readonly oneFileSystem: boolean;
}

export const PLAIN_SCAN: ScanOptions = {
  canonicalPermissions: false,
  ownerUid: undefined,
  ownerGid: undefined,
  noXattrs: false,
  oneFileSystem: false,
};

/** What is asked for, and for the rest what fits the repository's mode. */
export function scanOptionsOf(repository: Repository, options: Partial<ScanOptions>): ScanOptions {
  const canonicalPermissions = options.canonicalPermissions ?? repository.config.mode === "bare-user-only";
  return {
    canonicalPermissions,
    ownerUid: options.ownerUid ?? PLAIN_SCAN.ownerUid,
    ownerGid: options.ownerGid ?? PLAIN_SCAN.ownerGid,
    // As for ostree, files with canonical permissions have no attributes.
    noXattrs: options.noXattrs === true || canonicalPermissions,
    oneFileSystem: options.oneFileSystem ?? PLAIN_SCAN.oneFileSystem,
  };
}

interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const LINK_MODE = S_IFLNK | 0o777;

/** Owner and mode as they will be committed. A link's permissions mean nothing, differ in /proc only, and no file system stores them. */
export function committedOwnership(options: ScanOptions, { uid, gid, mode }: Ownership): Ownership {
  const canonical = options.canonicalPermissions;
  const kept = canonical ? S_IFMT | 0o755 : S_IFMT | 0o7777;
  return {
    uid: options.ownerUid ?? (canonical ? 0 : uid),
    gid: options.ownerGid ?? (canonical ? 0 : gid),
    mode: (mode & S_IFMT) === S_IFLNK ? LINK_MODE : mode & kept,
  };
}

/** The attributes that will be committed as part of an OSTree object: never one with an empty value, which ostree drops. */
export function committedXattrs(options: ScanOptions, xattrs: readonly XattrRecord[]): readonly XattrRecord[] {
  if (xattrs.length === 0 || options.noXattrs) return NONE;
  return xattrs.filter(({ name, value }) => value.length > 0 && isHashedXattr(name));
}

/** Names of the attributes with an empty value, which the sidecar keeps; undefined where there is none. */
export function emptyXattrs(options: ScanOptions, xattrs: readonly XattrRecord[]): readonly ByteString[] | undefined {
  if (xattrs.length === 0 || options.noXattrs) return undefined;
  const names = xattrs.filter(({ name, value }) => value.length === 0 && isHashedXattr(name)).map(({ name }) => name);
  return names.length === 0 ? undefined : names;
}

/** The attributes of what lives in the sidecar alone. */
export function nodeXattrs(options: ScanOptions, xattrs: readonly XattrRecord[]): readonly XattrRecord[] {
  return options.noXattrs ? NONE : xattrs.filter(({ name }) => isHashedXattr(name));
}

const NONE: readonly XattrRecord[] = [];

/** A text that is the same for two scans exactly if they commit the same metadata. */
export function scanFingerprint(options: ScanOptions): string {
  return JSON.stringify([options.canonicalPermissions, options.ownerUid ?? null, options.ownerGid ?? null, options.noXattrs]);
}
