/**
 * A commit as a btrfs send stream, which `btrfs receive` makes a subvolume of: whole, or as what changed since another commit. The uuid of
 * a commit's subvolume is the start of its checksum, so that a stream of changes finds the subvolume that it builds on.
 */
import { type ByteString, EMPTY } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import type { SubvolumeIdentity, TreeEntry } from "../../codec/btrfs-send/write/tree-entry.ts";
import { writeFullStream } from "../../codec/btrfs-send/write/write-full.ts";
import { writeIncrementalStream } from "../../codec/btrfs-send/write/write-incremental.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { loadCommit } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { rootSidecar } from "../tree/folder-view.ts";
import { tellFlags } from "../tree/leave-tree.ts";
import { findLinkGroups } from "../tree/link-names.ts";
import { type TreeItem, walkInOrder } from "../tree/tree-order.ts";
import { streamEntries } from "./stream-entries.ts";

export interface StreamOptions {
  /** The name of the subvolume; the first ten digits of the commit's checksum. */
  readonly name?: ByteString | undefined;
  /** Only what changed since this commit, of which the receiver has a subvolume from a stream of ours. */
  readonly parent?: Checksum | undefined;
}

const UUID_DIGITS = 32;
const NAME_DIGITS = 10;
const REPORT_EVERY = 512;

/**
 * The stream in chunks; one is valid until the next is asked for. Throws `not-found`, `corrupt`, `hostile`, `unsupported` for what no
 * stream can hold, `cancelled`. What was yielded until then is no stream.
 */
export async function* sendStream(
  repository: Repository,
  commit: Checksum,
  { name, parent }: StreamOptions = {},
  observer: Observer = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const options = { ...subvolumeOf(commit), name: name ?? (commit.slice(0, NAME_DIGITS) as ByteString) };
  const entries = counted(entriesOf(repository, commit, observer), observer);
  if (parent === undefined) yield* writeFullStream(entries, options);
  else {
    const before = entriesOf(repository, parent, {});
    yield* writeIncrementalStream(before, entries, { ...options, parent: subvolumeOf(parent) });
  }
}

/** What a stream says the subvolume of a commit is. */
export function subvolumeOf(commit: Checksum): SubvolumeIdentity {
  return { uuid: commit.slice(0, UUID_DIGITS), ctransid: 1 };
}

function entriesOf(repository: Repository, commit: Checksum, observer: Observer): AsyncGenerator<TreeEntry, void, undefined> {
  const { tree, meta, timestamp, ...rest } = loadCommit(repository, commit);
  const sidecar = rootSidecar(repository, { tree, meta, timestamp, ...rest });
  const items = (): Iterable<TreeItem> => walkInOrder(repository, EMPTY, { tree, meta, sidecar }, "names");
  const groups = sidecar === undefined ? new Map() : findLinkGroups(items());
  const settings = { repository, groups, time: { seconds: timestamp, nanoseconds: 0 } };
  return streamEntries(settings, tellFlags(items(), "a stream", observer));
}

async function* counted(entries: AsyncIterable<TreeEntry>, observer: Observer): AsyncGenerator<TreeEntry, void, undefined> {
  let done = 0;
  for await (const entry of entries) {
    throwIfCancelled(observer.signal);
    yield entry;
    if (++done % REPORT_EVERY === 0) report(observer, "export", { done });
  }
}
