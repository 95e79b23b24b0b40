/** What a checkout's threads are told and what they answer: plain data. */
import type { ByteString } from "../../base/byte-string.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import type { Repository } from "../repository.ts";
import type { SidecarRef } from "../tree/folder-view.ts";

export interface CheckoutSettings {
  readonly repository: Repository;
  /** The folder that is being filled; nothing is ever written outside it. */
  readonly rootFd: number;
  /** Link files to the repository's own. */
  readonly hardlink: boolean;
  /** Owner and attributes are left alone: for who is not root. */
  readonly userMode: boolean;
  /** The folder may hold files already, which are replaced. */
  readonly union: boolean;
  /** Compare each file with its checksum on the way. */
  readonly verify: boolean;
  /** What the kernel gives new files. */
  readonly uid: number;
  readonly gid: number;
  /** New files may get another group than the process's own, because a folder above is setgid. */
  readonly inheritsGroup: boolean;
  /** Where in the commit's tree the checkout begins; "" for the whole tree. */
  readonly subpath: ByteString;
}

/** A folder to be filled; it has been made already. */
export interface FolderTask {
  readonly kind: "folder";
  readonly path: ByteString;
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: SidecarRef;
  /** It was there before the checkout, and keeps its own metadata. */
  readonly existed: boolean;
}

/** Part of a very large folder: the files `from` to `to` of its view. */
export interface FilesTask {
  readonly kind: "files";
  readonly path: ByteString;
  readonly tree: Checksum;
  readonly sidecar: SidecarRef;
  readonly from: number;
  readonly to: number;
}

export type CheckoutTask = FolderTask | FilesTask;

/** How much is done before the rest is handed back. */
export interface JobLimits {
  readonly entries: number;
  readonly bytes: number;
}

export interface CheckoutJob {
  readonly settings: CheckoutSettings;
  /** The last one is done first. */
  readonly tasks: readonly CheckoutTask[];
  readonly limits: JobLimits;
  /** Memory that threads share: not 0 where somebody waits for work, so that the rest is handed back at once. */
  readonly wanted: Int32Array | undefined;
}

/** A second name for a file, made when all files are there. */
export interface PendingLink {
  readonly path: ByteString;
  readonly leader: ByteString;
  /** The folder of the commit that lists it. */
  readonly tree: Checksum;
  readonly sidecar: SidecarRef;
}

/** What must wait until everything else is done. */
export interface PendingFinish {
  readonly path: ByteString;
  /** Of a folder that has not got its own metadata yet. */
  readonly meta: Checksum | undefined;
  readonly self: EntryRecord | undefined;
  /** Those that stop every later change. */
  readonly flags: number;
}

export interface CheckoutProgress {
  files: number;
  folders: number;
  bytes: number;
  /** Device nodes that only root can make. */
  skippedNodes: number;
  /** Files whose inode flags the file system refused. */
  refusedFlags: number;
}

export interface CheckoutAnswer {
  readonly rest: CheckoutTask[];
  readonly links: PendingLink[];
  readonly finishes: PendingFinish[];
  readonly progress: CheckoutProgress;
}

export function emptyProgress(): CheckoutProgress {
  return { files: 0, folders: 0, bytes: 0, skippedNodes: 0, refusedFlags: 0 };
}
