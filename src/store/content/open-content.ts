/** The shapes in which content objects pass between the modes and whoever reads or writes them. */
import type { ContentMeta } from "../../codec/ostree/content.ts";
import type { Room } from "../room.ts";

/** Where a new object is written. */
export interface ContentTarget {
  readonly dirFd: number;
  readonly umask: number;
  readonly zlibLevel: number;
  /** Where its bytes have to be taken from; undefined where they have been. */
  readonly room?: Room | undefined;
}

/** A content object that is open for reading; `closeContent` ends it. */
export interface OpenContent {
  readonly meta: ContentMeta;
  /** Bytes of the payload, 0 for a link. */
  readonly size: number;
  /** The open file, -1 for a link. */
  readonly fd: number;
  /** Where the payload begins in it. */
  readonly start: number;
  readonly deflated: boolean;
}
