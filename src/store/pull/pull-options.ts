/** What a pull is asked for and what it tells: plain data for callers, rendering and JSON. */
import type { Checksum } from "../../codec/ostree/checksum.ts";

/** A ref of the source and the ref of the target that it moves. */
export interface RefMapping {
  readonly from: string;
  readonly to: string;
}

export interface PullOptions {
  /**
   * Branches and tags by name, or commits by checksum (which move no ref). All branches and tags where it is undefined,
   * as `git clone` and `ostree pull-local` take them.
   */
  readonly refs?: readonly (string | RefMapping)[] | undefined;
  /** The target's refs are those of this remote: `main` becomes `origin:main`. Such refs may move anywhere, as git's may. */
  readonly remote?: string | undefined;
  /**
   * How many generations come along: 0 only the tips (ostree's default), -1 the whole history, as far as the source has it.
   * Default -1: a history without its past can't be rolled back to.
   */
  readonly depth?: number | undefined;
  /** Move refs even where the old commit is no ancestor of the new one, and tags at all. */
  readonly force?: boolean | undefined;
  /** Share files by hard links, where both repositories are of one mode and on one file system. */
  readonly link?: boolean | undefined;
  /** Plan only; nothing is written. */
  readonly dryRun?: boolean | undefined;
  readonly workers?: number | undefined;
  /** Bytes after which what has come is made part of the repository, so that a cut pull goes on from there. Default 256 MiB. */
  readonly publishBytes?: number | undefined;
}

export interface RefUpdate {
  /** The source's ref; a checksum where a commit was asked for by checksum. */
  readonly from: string;
  /** The target's ref, undefined where none moves. */
  readonly to: string | undefined;
  readonly before: Checksum | undefined;
  readonly after: Checksum;
  readonly kind: "new" | "same" | "forward" | "forced" | "commit";
}

export interface PullReport {
  readonly dryRun: boolean;
  readonly refs: readonly RefUpdate[];
  /** Commits that the target lacked, companions of them not counted. */
  readonly commits: number;
  /** Commits that came without their trees, because the source has thinned them. */
  readonly thinned: number;
  /** Commits, folders and folders' metadata that the target lacked. */
  readonly metadataObjects: number;
  readonly contentObjects: number;
  /** Bytes of the content objects in the source. */
  readonly contentBytes: number;
  /** Bytes that the target took for them; 0 for a dry run. */
  readonly writtenBytes: number;
}
