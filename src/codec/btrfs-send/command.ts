/**
 * The commands of a btrfs send stream, as `btrfs send` writes and `btrfs receive` obeys them. Paths are relative to the
 * subvolume, "" is its root. Numbers are bytes where they are sizes or offsets; uuids are 32 hexadecimal digits.
 */
import type { ByteString } from "../../base/byte-string.ts";

/** 2 adds encoded writes, inode flags, creation times and long data; 3 adds fs-verity. */
export type StreamVersion = 1 | 2 | 3;

/** Whole seconds since 1970, which may be negative, and nanoseconds. */
export interface StreamTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export type SendCommand =
  | { readonly kind: "subvol"; readonly path: ByteString; readonly uuid: string; readonly ctransid: number }
  | {
      readonly kind: "snapshot";
      readonly path: ByteString;
      readonly uuid: string;
      readonly ctransid: number;
      readonly cloneUuid: string;
      readonly cloneCtransid: number;
    }
  | { readonly kind: "mkfile" | "mkdir"; readonly path: ByteString; readonly ino: number }
  | {
      readonly kind: "mknod" | "mkfifo" | "mksock";
      readonly path: ByteString;
      readonly ino: number;
      /** The low 32 bits of makedev(3). */
      readonly rdev: number;
      readonly mode: number;
    }
  | { readonly kind: "symlink"; readonly path: ByteString; readonly ino: number; readonly target: ByteString }
  | { readonly kind: "rename"; readonly path: ByteString; readonly to: ByteString }
  /** `path` becomes another name of the file that `existing` names. */
  | { readonly kind: "link"; readonly path: ByteString; readonly existing: ByteString }
  | { readonly kind: "unlink" | "rmdir"; readonly path: ByteString }
  | { readonly kind: "set-xattr"; readonly path: ByteString; readonly name: ByteString; readonly value: Uint8Array }
  | { readonly kind: "remove-xattr"; readonly path: ByteString; readonly name: ByteString }
  | { readonly kind: "write"; readonly path: ByteString; readonly offset: number; readonly data: Uint8Array }
  | {
      readonly kind: "clone";
      readonly path: ByteString;
      readonly offset: number;
      readonly length: number;
      readonly cloneUuid: string;
      readonly cloneCtransid: number;
      readonly clonePath: ByteString;
      readonly cloneOffset: number;
    }
  | { readonly kind: "truncate"; readonly path: ByteString; readonly size: number }
  | { readonly kind: "chmod"; readonly path: ByteString; readonly mode: number }
  | { readonly kind: "chown"; readonly path: ByteString; readonly uid: number; readonly gid: number }
  | {
      readonly kind: "utimes";
      readonly path: ByteString;
      readonly atime: StreamTime;
      readonly mtime: StreamTime;
      readonly ctime: StreamTime;
      /** From version 2 on. */
      readonly otime?: StreamTime;
    }
  | { readonly kind: "end" }
  /** In a stream without data (`--no-data`): these bytes changed. */
  | { readonly kind: "update-extent"; readonly path: ByteString; readonly offset: number; readonly size: number }
  | {
      readonly kind: "fallocate";
      readonly path: ByteString;
      /** The flags of fallocate(2). */
      readonly mode: number;
      readonly offset: number;
      readonly size: number;
    }
  /** Flags as the file system's own tree holds them (BTRFS_INODE_*), not as chattr does. */
  | { readonly kind: "fileattr"; readonly path: ByteString; readonly flags: number }
  | EncodedWrite
  | {
      readonly kind: "enable-verity";
      readonly path: ByteString;
      readonly algorithm: number;
      readonly blockSize: number;
      readonly salt: Uint8Array;
      readonly signature: Uint8Array;
    };

/**
 * `data` unpacks to `unencodedLength` bytes; those from `unencodedOffset` on, `unencodedFileLength` of them, are the file's
 * at `offset`.
 */
export interface EncodedWrite {
  readonly kind: "encoded-write";
  readonly path: ByteString;
  readonly offset: number;
  readonly unencodedFileLength: number;
  readonly unencodedLength: number;
  readonly unencodedOffset: number;
  /** 1 zlib, 2 zstd, 3 to 7 LZO in pieces of 4 to 64 KiB; absent: none. */
  readonly compression?: number;
  readonly encryption?: number;
  readonly data: Uint8Array;
}

/** What a stream is made of: each begins with its header. */
export type StreamPart = { readonly kind: "header"; readonly version: StreamVersion } | SendCommand;

export type CommandKind = SendCommand["kind"];
