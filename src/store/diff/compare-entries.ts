/** In which respects two entries of the same path differ. */
import { createHash } from "node:crypto";
import { type XattrRecord, isSorted, sameXattrs } from "../../codec/ostree/xattrs.ts";
import { isLink } from "../../codec/ostree/content.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import { closeContent, streamPayload } from "../content/content-format.ts";
import { S_IFIFO, typeOf } from "../../sys/stat.ts";
import type { OpenContent } from "../content/open-content.ts";
import type { Aspect, EntryType } from "./change.ts";
import type { SideEntry, SideFile, SideFolder, SideNode } from "./diff-side.ts";

interface Owned {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly xattrs: readonly XattrRecord[];
}

const PERMISSIONS = 0o7777;

/** `withRecords`: both sides have a sidecar, so what it keeps can be compared. */
export async function compareFiles(a: SideFile, b: SideFile, withRecords: boolean): Promise<Aspect[]> {
  const aspects = a.checksum === b.checksum ? [] : await compareContents(a, b);
  return withRecords ? joined(aspects, compareRecords(a.record, b.record)) : aspects;
}

/** Device nodes, FIFOs, links with odd targets. */
export function compareNodes(a: SideNode, b: SideNode): Aspect[] {
  const aspects = compareOwned(a.node, b.node);
  if ((a.node.mode & ~PERMISSIONS) !== (b.node.mode & ~PERMISSIONS)) aspects.unshift("type");
  else if (a.node.target !== b.node.target) aspects.unshift("target");
  if (a.node.major !== b.node.major || a.node.minor !== b.node.minor) aspects.push("device");
  return joined(aspects, compareRecords(a.record, b.record));
}

/** Where one is an object and the other is not: links of which one has an odd target, or entries of two types. */
export function compareFileAndNode(a: SideFile | SideNode, b: SideFile | SideNode, withRecords: boolean): Aspect[] {
  if (typeOfEntry(a) !== "link" || typeOfEntry(b) !== "link") return ["type"];
  const aspects = joined(["target"], compareOwned(ownedBy(a), ownedBy(b)));
  return withRecords ? joined(aspects, compareRecords(withoutEmpty(a.record), withoutEmpty(b.record))) : aspects;
}

/** Of the folders themselves, not of what is in them. */
export function compareFolders(
  a: SideFolder,
  b: SideFolder,
  records: readonly [EntryRecord | undefined, EntryRecord | undefined] | undefined,
): Aspect[] {
  const aspects = a.meta === b.meta ? [] : compareOwned(a.loadMeta(), b.loadMeta());
  return records === undefined ? aspects : joined(aspects, compareRecords(records[0], records[1]));
}

/** A file's type needs a look at the file itself. */
export function typeOfEntry(entry: SideEntry): EntryType {
  if (entry.kind === "folder") return "folder";
  if (entry.kind === "node") return entry.node.target !== undefined ? "link" : isFifo(entry.node) ? "fifo" : "device";
  const content = entry.open();
  closeContent(content);
  return isLink(content.meta) ? "link" : "file";
}

/** With all attributes: a node has the empty ones among the others. */
function ownedBy(entry: SideFile | SideNode): Owned {
  if (entry.kind === "node") return entry.node;
  const content = entry.open();
  closeContent(content);
  const empty = (entry.record?.emptyXattrs ?? []).map((name) => ({ name, value: Buffer.alloc(0) }));
  return empty.length === 0 ? content.meta : { ...content.meta, xattrs: [...content.meta.xattrs, ...empty] };
}

function withoutEmpty(record: EntryRecord | undefined): EntryRecord | undefined {
  return record === undefined ? undefined : { ...record, emptyXattrs: undefined };
}

function isFifo(node: { readonly mode: number }): boolean {
  return typeOf(node.mode) === S_IFIFO;
}

async function compareContents(a: SideFile, b: SideFile): Promise<Aspect[]> {
  const before = a.open();
  const after = b.open();
  try {
    if (isLink(before.meta) !== isLink(after.meta)) return ["type"];
    const aspects = compareOwned(before.meta, after.meta);
    if (before.meta.target !== after.meta.target) return ["target", ...aspects];
    // Where nothing else can have made the difference, it is the content, unread.
    const isKnown = aspects.length === 0 && isSorted(before.meta.xattrs) && isSorted(after.meta.xattrs);
    const isContent = before.size !== after.size || isKnown || (await payloadHash(before)) !== (await payloadHash(after));
    return isContent ? ["content", ...aspects] : aspects;
  } finally {
    closeContent(before);
    closeContent(after);
  }
}

async function payloadHash(content: OpenContent): Promise<string> {
  const digest = createHash("sha256");
  await streamPayload(content, (piece) => digest.update(piece));
  return digest.digest("hex");
}

function compareOwned(a: Owned, b: Owned): Aspect[] {
  const aspects: Aspect[] = [];
  if ((a.mode & PERMISSIONS) !== (b.mode & PERMISSIONS)) aspects.push("mode");
  if (a.uid !== b.uid || a.gid !== b.gid) aspects.push("owner");
  if (!sameXattrs(a.xattrs, b.xattrs)) aspects.push("xattrs");
  return aspects;
}

function joined(aspects: readonly Aspect[], more: readonly Aspect[]): Aspect[] {
  return [...new Set([...aspects, ...more])];
}

function compareRecords(a: EntryRecord | undefined, b: EntryRecord | undefined): Aspect[] {
  const aspects: Aspect[] = [];
  if (a?.emptyXattrs?.join("\0") !== b?.emptyXattrs?.join("\0")) aspects.push("xattrs");
  if (a?.time?.seconds !== b?.time?.seconds || a?.time?.nanoseconds !== b?.time?.nanoseconds) aspects.push("time");
  if ((a?.flags ?? 0) !== (b?.flags ?? 0)) aspects.push("flags");
  if (JSON.stringify(a?.data ?? null) !== JSON.stringify(b?.data ?? null)) aspects.push("holes");
  if (a?.linkTo !== b?.linkTo) aspects.push("links");
  return aspects;
}
