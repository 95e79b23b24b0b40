/**
 * What a file system can do for whole trees. Every driver has the same verbs and says in its record what they cost; who uses one
 * asks that record, never for the driver's name. Whatever a verb makes appears under its final name complete, or not at all; what a
 * cut leaves is removed by the next verb in the same folder.
 */
import type { ByteString } from "../base/byte-string.ts";
import type { Observer } from "../base/events.ts";
import type { ChangeSet } from "../codec/btrfs-send/changes/change.ts";

/** A name in an open folder: so it works on mounts that have no path. As a source, `.` is the folder itself. */
export interface Place {
  readonly folderFd: number;
  readonly name: ByteString;
}

export interface VolumeCapabilities {
  /** For people. */
  readonly kind: string;
  /** `instant`: at one moment, whatever the size. `copy`: file by file, while others may write. */
  readonly snapshots: "instant" | "copy";
  /** What snapshots and clones have in common with their source until one of them is written to. */
  readonly sharing: "extents" | "reflink" | "none";
  /** Two names can be exchanged at once. */
  readonly exchange: boolean;
  /** A snapshot can't be written to, not even by root, and can't be moved into another folder. */
  readonly sealed: boolean;
  /** `stream`: the file system tells what changed, at a cost that follows the changes. `scan`: both trees are walked. */
  readonly changes: "stream" | "scan";
  /** Trees can be sent to another file system of the kind, and received, whole or as changes. */
  readonly streams: boolean;
  /** A tree can hold others, which are empty folders in its snapshots. */
  readonly nested: boolean;
}

export interface VolumeTree {
  readonly name: ByteString;
  /** Of drivers that seal their snapshots. */
  readonly isReadOnly?: boolean;
  /** Of subvolumes, 32 hexadecimal digits as the next two. */
  readonly uuid?: string | undefined;
  readonly parentUuid?: string | undefined;
  readonly receivedUuid?: string | undefined;
}

/** Bytes. */
export interface VolumeSpace {
  readonly total: number;
  /** On disk, every copy counted. */
  readonly used: number;
  /** How much new content fits, about. */
  readonly free: number;
  /** How much fits of names, attributes and small files, where they have a room of their own. */
  readonly metadataFree: number | undefined;
}

export interface SendTarget {
  /** What the receiver has already: a snapshot that `tree` grew from. */
  readonly parent?: Place | undefined;
  /** An open file, pipe or socket. */
  readonly fd: number;
}

export interface VolumeDriver {
  readonly capabilities: VolumeCapabilities;
  /**
   * A snapshot of a tree that nothing writes to afterwards, durable. Throws `exists`, `no-space`, `cancelled`, `refused` (a swapfile
   * in use), `unsupported` (the source is no tree of its own), SystemError.
   */
  snapshot(source: Place, target: Place, observer?: Observer): Promise<void>;
  /** The same, to be written to. */
  clone(source: Place, target: Place, observer?: Observer): Promise<void>;
  /**
   * Makes a snapshot by hand: an empty tree, or a clone of `base`, is given to `fill`; when that has ended well, the tree is flushed,
   * sealed and named. Throws what `fill` throws.
   */
  build<T>(target: Place, base: Place | undefined, fill: (rootFd: number) => Promise<T>, observer?: Observer): Promise<T>;
  /** Removes a tree with all in it. Its name is gone at once. Nothing there is no error. Throws `refused` for what is in use. */
  remove(place: Place, observer?: Observer): Promise<void>;
  /** Both names always exist. Durable. */
  exchange(a: Place, b: Place): void;
  /** The trees in an open folder, by name. */
  list(folderFd: number): VolumeTree[];
  space(folderFd: number): VolumeSpace;
  /** Writes a snapshot as a stream and returns its bytes. Throws `unsupported` where there are no streams, or it isn't sealed. */
  send(tree: Place, target: SendTarget, observer?: Observer): Promise<number>;
  /** Makes a snapshot from a stream of one tree. Throws `corrupt`, `exists`, `no-space`, `program-failed`, `cancelled`. */
  receive(stream: AsyncIterable<Uint8Array>, target: Place, observer?: Observer): Promise<void>;
  /** What changed from one snapshot to a later one. */
  changes(before: Place, after: Place, observer?: Observer): Promise<ChangeSet>;
  /** Makes everything durable that was written to the file system of the folder. */
  flush(folderFd: number): void;
}
