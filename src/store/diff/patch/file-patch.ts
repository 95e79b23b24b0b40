/** Changes of files and links, with what differs in them line by line. Folders, device nodes and FIFOs are no part of a patch. */
import { type ByteString, bufferOf } from "../../../base/byte-string.ts";
import { throwIfCancelled } from "../../../base/errors.ts";
import type { Observer } from "../../../base/events.ts";
import { S_IFLNK, S_IFREG, typeOf } from "../../../sys/stat.ts";
import type { Change } from "../change.ts";
import type { TreeView, ViewedEntry } from "../tree-view.ts";
import { type TextDiff, diffTexts } from "./text-diffs.ts";

/** git's letters; T: a file became a link, or the other way round. */
export type Status = "A" | "D" | "M" | "R" | "T";
/** `binary`: it has a NUL among its first bytes, as git sees it. `large`: too large to be compared by lines. */
export type ContentKind = "text" | "binary" | "large";

export interface FilePatch {
  readonly status: Status;
  readonly path: ByteString;
  /** Of a renamed file: where it was. */
  readonly from: ByteString | undefined;
  readonly before: ViewedEntry | undefined;
  readonly after: ViewedEntry | undefined;
  readonly kind: ContentKind;
  /** Whether the content, or the target of a link, differs. */
  readonly differs: boolean;
  /** One; where the type changed two, what went and what came. None of what is no text. */
  readonly parts: readonly TextDiff[];
}

/** Bytes. */
const TEXT_LIMIT = 4 * 1024 * 1024;
const BATCH_BYTES = 16 * 1024 * 1024;
const BATCH_FILES = 256;
/** Where git looks for a NUL. */
const SNIFFED = 8000;

/** In the order of the changes. Throws `missing-program`, `corrupt`, `cancelled`, SystemError. */
export async function* filePatches(
  before: TreeView,
  after: TreeView,
  changes: Iterable<Change>,
  { signal }: Observer = {},
): AsyncGenerator<FilePatch> {
  let batch: Loaded[] = [];
  let bytes = 0;
  for (const change of changes) {
    throwIfCancelled(signal);
    const loaded = load(before, after, change);
    if (loaded === undefined) continue;
    batch.push(loaded);
    bytes += loaded.texts.reduce((sum, pair) => sum + pair.before.length + pair.after.length, 0);
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
    yield* compared(batch, signal);
    batch = [];
    bytes = 0;
  }
  yield* compared(batch, signal);
}

interface Loaded extends Omit<FilePatch, "parts"> {
  readonly texts: readonly { readonly before: Buffer; readonly after: Buffer }[];
}

const NOTHING = Buffer.alloc(0);

function load(beforeView: TreeView, afterView: TreeView, change: Change): Loaded | undefined {
  const { kind, path, from } = change;
  const before = kind === "added" ? undefined : fileOrLink(beforeView.find(from ?? path));
  const after = kind === "removed" ? undefined : fileOrLink(afterView.find(path));
  if (before === undefined && after === undefined) return undefined;
  const status = statusOf(kind === "renamed", before, after);
  const both = { status, path, from, before, after };
  if (isLarge(before) || isLarge(after)) return { ...both, kind: "large", differs: differsUnread(change, both), texts: [] };
  const [old, now] = [contentOf(before), contentOf(after)];
  const differs = status !== "M" || !old.equals(now);
  if (isBinary(old) || isBinary(now)) return { ...both, kind: "binary", differs, texts: [] };
  const texts =
    status === "T"
      ? [
          { before: old, after: NOTHING },
          { before: NOTHING, after: now },
        ]
      : [{ before: old, after: now }];
  return { ...both, kind: "text", differs, texts };
}

/** A folder that became a file counts as a file that is new. */
function statusOf(isRenamed: boolean, before: ViewedEntry | undefined, after: ViewedEntry | undefined): Status {
  if (before === undefined) return "A";
  if (after === undefined) return "D";
  if (isRenamed) return "R";
  return typeOf(before.mode) === typeOf(after.mode) ? "M" : "T";
}

function differsUnread({ what }: Change, { status }: { readonly status: Status }): boolean {
  return status !== "M" || what.includes("content");
}

function fileOrLink(entry: ViewedEntry | undefined): ViewedEntry | undefined {
  return entry !== undefined && [S_IFREG, S_IFLNK].includes(typeOf(entry.mode)) ? entry : undefined;
}

function isLarge(entry: ViewedEntry | undefined): boolean {
  return entry !== undefined && entry.size > TEXT_LIMIT;
}

/** git has the target of a link as its content. */
function contentOf(entry: ViewedEntry | undefined): Buffer {
  if (entry === undefined) return NOTHING;
  return typeOf(entry.mode) === S_IFLNK ? bufferOf(entry.target) : entry.read();
}

function isBinary(content: Buffer): boolean {
  return content.subarray(0, SNIFFED).includes(0);
}

async function* compared(batch: readonly Loaded[], signal: AbortSignal | undefined): AsyncGenerator<FilePatch> {
  const diffs = await diffTexts(
    batch.flatMap(({ texts }) => texts),
    signal,
  );
  let next = 0;
  for (const { texts, ...file } of batch) yield { ...file, parts: diffs.slice(next, (next += texts.length)) };
}
