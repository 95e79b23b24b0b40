/**
 * How a repository is reached that is not a folder of this machine: what the store asks of HTTP, SSH and the like, and nothing more.
 * A transport carries bytes and knows where they lie; whether they are right is checked by the store, for every one of them.
 * A folder needs none: the store's own workers open its files (store/pull/object-source.ts).
 */
import type { Checksum } from "../codec/ostree/checksum.ts";

export type RemoteMetadataKind = "commit" | "dirtree" | "dirmeta" | "commitmeta";

export interface RemoteRef {
  readonly name: string;
  readonly commit: Checksum;
}

export interface Transport {
  /** The address, for people: without passwords. */
  readonly name: string;
  /** How many objects may be asked for at once. */
  readonly parallel: number;
  /** All refs, companion refs included. Throws `unsupported` where the other side can't list them. */
  listRefs(signal?: AbortSignal): Promise<readonly RemoteRef[]>;
  /** Whether the commit is there without all of its tree. False where that can't be known. */
  isPartial(commit: Checksum, signal?: AbortSignal): Promise<boolean>;
  /** The object's bytes; undefined where there is no such object. Throws where that can't be told. */
  fetchMetadata(kind: RemoteMetadataKind, checksum: Checksum, signal?: AbortSignal): Promise<Buffer | undefined>;
  /** Bytes that `fetchContent` will give; 0 where that is not known before. */
  contentSize(checksum: Checksum): Promise<number | undefined>;
  /** A content object as `.filez`, whatever the other side's mode; undefined where there is no such object. */
  fetchContent(checksum: Checksum, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
}
