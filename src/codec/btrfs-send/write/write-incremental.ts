/**
 * The difference of two trees as a send stream, by one walk through both. Names are not followed: what moved is removed and made
 * again, with its blocks shared where the caller knows where they are.
 *
 * Invariant: while a folder is walked through, what it has of A up to this name is as B has it, and the rest is as in A.
 */
import type { ByteString } from "../../../base/byte-string.ts";
import type { SendCommand, StreamVersion } from "../command.ts";
import { DEFAULT_ACL, contentOf, creationOf, lostXattrs, metadataOf, timesOf } from "./entry-commands.ts";
import { type LinkGroups, openLinkGroups } from "./link-groups.ts";
import {
  type SubvolumeIdentity,
  type TreeEntries,
  type TreeEntry,
  type WriteOptions,
  TYPE_MASK,
  compareTreePaths,
  inOrder,
  isBelow,
  isFolder,
  parentOf,
} from "./tree-entry.ts";
import { encodeStream } from "./write-full.ts";

export interface IncrementalOptions extends WriteOptions {
  /** What the stream of A said it is. */
  readonly parent: SubvolumeIdentity;
  /** A path in A of a file with this content, so that its blocks are shared. */
  readonly findInParent?: (contentKey: string) => ByteString | undefined;
}

/**
 * The bytes of a stream that makes the tree B from a snapshot of A. Files of which the content keys are the same are not read.
 * Throws what `writeFullStream` does.
 */
export async function* writeIncrementalStream(
  a: TreeEntries,
  b: TreeEntries,
  options: IncrementalOptions,
): AsyncGenerator<Buffer, void, undefined> {
  yield* encodeStream(changesBetween(a, b, options), options);
}

/** A folder that both have or that is new, while its entries are walked through. */
interface OpenFolder {
  readonly entry: TreeEntry;
  readonly before: TreeEntry | undefined;
  /** Its time has changed, because its entries have. */
  isChanged: boolean;
}

interface Walk {
  readonly options: IncrementalOptions;
  readonly version: StreamVersion;
  readonly open: OpenFolder[];
  readonly groups: LinkGroups;
  ino: number;
}

type CommandStream = AsyncGenerator<SendCommand, void, undefined>;

async function* changesBetween(a: TreeEntries, b: TreeEntries, options: IncrementalOptions): CommandStream {
  const { name, uuid, ctransid, parent } = options;
  yield { kind: "snapshot", path: name, uuid, ctransid, cloneUuid: parent.uuid, cloneCtransid: parent.ctransid };
  const walk: Walk = { options, version: options.version ?? 1, open: [], groups: openLinkGroups(), ino: 257 };
  const [olds, news] = [inOrder(a), inOrder(b)];
  let [old, young] = [await nextOf(olds), await nextOf(news)];
  while (old !== undefined || young !== undefined) {
    const order = old === undefined ? 1 : young === undefined ? -1 : compareTreePaths(old.path, young.path);
    const path = (order < 0 ? old : young)!.path;
    yield* leaveFolders(walk, path);
    if (order < 0) old = yield* removeSubtree(walk, old!, olds);
    else if (order > 0) {
      yield* create(walk, young!);
      young = await nextOf(news);
    } else {
      const [before, entry] = [old!, young!];
      const isKept = isFolder(before) ? isFolder(entry) : canStay(walk.groups, before, entry);
      old = isKept ? await nextOf(olds) : yield* removeSubtree(walk, before, olds);
      if (isKept) yield* change(walk, before, entry);
      else yield* create(walk, entry);
      young = await nextOf(news);
    }
  }
  yield* leaveFolders(walk, undefined);
}

async function nextOf(entries: AsyncGenerator<TreeEntry, void, undefined>): Promise<TreeEntry | undefined> {
  return (await entries.next()).value ?? undefined;
}

/** Removes an entry of A with all below it; the next entry of A. */
async function* removeSubtree(
  walk: Walk,
  top: TreeEntry,
  olds: AsyncGenerator<TreeEntry, void, undefined>,
): AsyncGenerator<SendCommand, TreeEntry | undefined, undefined> {
  markChanged(walk, top.path);
  const folders: ByteString[] = [];
  let entry: TreeEntry | undefined = top;
  do {
    while (folders.length > 0 && !isBelow(entry.path, folders.at(-1)!)) yield { kind: "rmdir", path: folders.pop()! };
    if (isFolder(entry)) folders.push(entry.path);
    else yield { kind: "unlink", path: entry.path };
    entry = await nextOf(olds);
  } while (entry !== undefined && isBelow(entry.path, top.path));
  for (const path of folders.toReversed()) yield { kind: "rmdir", path };
  return entry;
}

async function* create(walk: Walk, entry: TreeEntry): CommandStream {
  const { path, size = 0, contentKey } = entry;
  markChanged(walk, path);
  yield creationOf(entry, walk.ino++);
  if (isFolder(entry)) return void walk.open.push({ entry, before: undefined, isChanged: true });
  if (entry.sameAs !== undefined) return;
  const source = size > 0 && contentKey !== undefined ? walk.options.findInParent?.(contentKey) : undefined;
  if (source === undefined) yield* contentOf(entry, walk.version);
  else yield cloneOf(walk, path, source, size);
  yield* metadataOf(entry, undefined, false);
  yield timesOf(entry, walk.version);
}

async function* change(walk: Walk, before: TreeEntry, entry: TreeEntry): CommandStream {
  if (isFolder(entry)) return yield* enterFolder(walk, before, entry);
  // The other name of this file has been looked at.
  if (entry.sameAs !== undefined) return;
  const { path } = entry;
  let count = 0;
  for (const command of lostXattrs(entry, before)) {
    count++;
    yield command;
  }
  const isRewritten = entry.size !== undefined && (entry.contentKey === undefined || entry.contentKey !== before.contentKey);
  if (isRewritten) {
    yield { kind: "truncate", path, size: 0 };
    yield* contentOf(entry, walk.version);
  }
  for (const command of metadataOf(entry, before, isRewritten)) {
    count++;
    yield command;
  }
  if (isRewritten || count > 0 || !isSameTime(before, entry)) yield timesOf(entry, walk.version);
}

function* enterFolder(walk: Walk, before: TreeEntry, entry: TreeEntry): Generator<SendCommand, void, undefined> {
  const hasDefault = before.xattrs.some(({ name }) => name === DEFAULT_ACL);
  // What is made in it must not inherit; it comes back, where B has it, when the folder is left.
  if (hasDefault) yield { kind: "remove-xattr", path: entry.path, name: DEFAULT_ACL };
  const rest = hasDefault ? { ...before, xattrs: before.xattrs.filter(({ name }) => name !== DEFAULT_ACL) } : before;
  walk.open.push({ entry, before: rest, isChanged: hasDefault });
}

/** Leaves the folders that the path is not in. */
function* leaveFolders(walk: Walk, path: string | undefined): Generator<SendCommand, void, undefined> {
  const { open, version } = walk;
  while (open.length > 0 && (path === undefined || !isBelow(path, open.at(-1)!.entry.path))) {
    const { entry, before, isChanged } = open.pop()!;
    let count = 0;
    if (before !== undefined) {
      for (const command of lostXattrs(entry, before)) {
        count++;
        yield command;
      }
    }
    for (const command of metadataOf(entry, before, false)) {
      count++;
      yield command;
    }
    if (isChanged || count > 0 || before === undefined || !isSameTime(before, entry)) yield timesOf(entry, version);
  }
}

/** Whether the file of A can become that of B in place. */
function canStay(groups: LinkGroups, before: TreeEntry, entry: TreeEntry): boolean {
  const isAlike = (before.mode & TYPE_MASK) === (entry.mode & TYPE_MASK) && before.target === entry.target;
  return isAlike && (before.rdev ?? 0) === (entry.rdev ?? 0) && groups.keep(before, entry);
}

function cloneOf({ options }: Walk, path: ByteString, clonePath: ByteString, length: number): SendCommand {
  const { uuid, ctransid } = options.parent;
  return { kind: "clone", path, offset: 0, length, cloneUuid: uuid, cloneCtransid: ctransid, clonePath, cloneOffset: 0 };
}

function markChanged({ open }: Walk, path: ByteString): void {
  const folder = open.at(-1);
  if (folder !== undefined && folder.entry.path === parentOf(path)) folder.isChanged = true;
}

function isSameTime(a: TreeEntry, b: TreeEntry): boolean {
  return a.mtime.seconds === b.mtime.seconds && a.mtime.nanoseconds === b.mtime.nanoseconds;
}
