/** What a kind of file system can do for an install: the interface that each one in this folder implements. */
import type { Observer } from "../base/events.ts";
import type { PlannedFileSystem } from "./plan-disk.ts";
import type { Region } from "./region.ts";

export interface FileSystemDriver {
  /** The programs that it runs. */
  readonly programs: readonly string[];
  /** What fstab says of it: the kernel's name of the type, and when it is checked at boot. */
  readonly fstab: { readonly type: string; readonly pass: number };
  /** Bytes that a tree of so many bytes and entries takes at most, the file system's own needs and some room included. */
  spaceFor(contentBytes: number, entries: number): number;
  /** Makes the empty file system with its planned identity. */
  make(region: Region, plan: PlannedFileSystem, observer: Observer): Promise<void>;
  /** Writes single files, making their folders, without mounting. */
  readonly putFile?: (region: Region, file: FileToPut, observer: Observer) => Promise<void>;
  /** Opens the folder where the system's tree goes: that of the first planned mount. */
  readonly openTree?: (region: Region, plan: PlannedFileSystem, observer: Observer) => Promise<OpenTree>;
}

export interface FileToPut {
  /** Without a leading `/`. */
  readonly path: string;
  readonly content: Uint8Array;
}

export interface OpenTree {
  /** The open folder; it has no path that another program could use (see sys/mount.ts). */
  readonly fd: number;
  /** Flushes and lets go of the mount and its device. Throws where what was written may be incomplete. */
  close(): Promise<void>;
}
