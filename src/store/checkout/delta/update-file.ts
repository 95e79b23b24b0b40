/** Makes an open file or folder, which stays the one that it is, what a commit says: only what differs is written. */
import type { ByteString } from "../../../base/byte-string.ts";
import type { XattrRecord } from "../../../codec/ostree/xattrs.ts";
import type { EntryRecord } from "../../../codec/sidecar/folder-record.ts";
import { copyBetween } from "../../../sys/copy-between.ts";
import { LAST_FLAGS, addFlags, userFlags } from "../../../sys/inode-flags.ts";
import { FLAG, chmodFd, chownFd, getFlags, setFlags, setTimeFd } from "../../../sys/metadata.ts";
import { readAt } from "../../../sys/read-file.ts";
import { statFd } from "../../../sys/stat.ts";
import { truncateFd, writeAt } from "../../../sys/write-file.ts";
import { readXattrsFd, removeXattrFd, setXattrFd } from "../../../sys/xattr.ts";
import { closeContent, streamPayload } from "../../content/content-format.ts";
import type { OpenContent } from "../../content/open-content.ts";
import type { SideFile } from "../../diff/diff-side.ts";
import type { SideLeaf } from "./tree-difference.ts";
import { isHashedXattr } from "../../xattr-filter.ts";
import type { CheckoutProgress } from "../checkout-state.ts";
import { writeContentInto } from "../place-file.ts";

interface Owned {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly xattrs: readonly XattrRecord[];
}

const BLOCK = 4096;
const NOTHING = Buffer.alloc(0);

/** A regular file, all but the flags that stop every later change. Throws `corrupt`, SystemError. */
export async function updateFile(fd: number, before: SideLeaf, after: SideFile, progress: CheckoutProgress): Promise<void> {
  const { record } = after;
  const content = after.open();
  try {
    const noCow = ((record?.flags ?? 0) ^ getFlags(fd)) & FLAG.noCow;
    // +C can be changed only on an empty file.
    if (noCow !== 0) truncateFd(fd, 0);
    putFlags(fd, record, progress);
    const sameHoles = JSON.stringify(before.record?.data ?? null) === JSON.stringify(record?.data ?? null);
    const isOther = before.kind !== "file" || before.checksum !== after.checksum;
    if (noCow !== 0 || !sameHoles || (isOther && record?.data !== undefined)) {
      truncateFd(fd, 0);
      await writeContentInto(fd, content, record);
      progress.bytes += content.size;
    } else if (isOther) progress.bytes += await patchContent(fd, content);
    putMetadata(fd, content.meta, record);
  } finally {
    closeContent(content);
  }
}

/** A folder, all but the flags that stop every later change. */
export function updateFolder(fd: number, meta: Owned, self: EntryRecord | undefined, progress: CheckoutProgress): void {
  putFlags(fd, self, progress);
  putMetadata(fd, meta, self);
}

/** Writes the blocks that differ, shared with the object where that can be. Returns their bytes. */
async function patchContent(fd: number, content: OpenContent): Promise<number> {
  const { size } = statFd(fd);
  let [position, written] = [0, 0];
  await streamPayload(content, (piece) => {
    const old = Buffer.allocUnsafe(piece.length);
    const known = readAt(fd, old, 0, piece.length, position);
    for (const { from, to } of differingRuns(piece, old.subarray(0, known))) {
      const at = position + from;
      if (content.deflated) writeAt(fd, piece.subarray(from, to), at);
      else copyBetween(content.fd, fd, { from: content.start + at, to: at, length: to - from });
      written += to - from;
    }
    position += piece.length;
  });
  if (size > position) truncateFd(fd, position);
  return written;
}

/** In whole blocks but at the end. */
function differingRuns(now: Buffer, before: Buffer): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (let from = 0; from < now.length; from += BLOCK) {
    const to = Math.min(from + BLOCK, now.length);
    if (now.subarray(from, to).equals(before.subarray(from, to))) continue;
    const last = runs.at(-1);
    if (last?.to === from) last.to = to;
    else runs.push({ from, to });
  }
  return runs;
}

function putFlags(fd: number, record: EntryRecord | undefined, progress: CheckoutProgress): void {
  const wanted = (record?.flags ?? 0) & ~LAST_FLAGS;
  const all = getFlags(fd);
  const extra = userFlags(all) & ~wanted;
  if (extra !== 0) setFlags(fd, all & ~extra);
  if (!addFlags(fd, wanted)) progress.refusedFlags++;
}

/** In the order in which each leaves the others alone: a new owner takes capabilities and setuid bits away. */
function putMetadata(fd: number, meta: Owned, record: EntryRecord | undefined): void {
  const now = statFd(fd);
  if (now.uid !== meta.uid || now.gid !== meta.gid) chownFd(fd, meta.uid, meta.gid);
  const wanted = new Map<ByteString, Uint8Array>(meta.xattrs.map(({ name, value }) => [name, value]));
  for (const name of record?.emptyXattrs ?? []) wanted.set(name, NOTHING);
  for (const { name, value } of readXattrsFd(fd)) {
    if (!isHashedXattr(name)) continue;
    const kept = wanted.get(name);
    if (kept === undefined) removeXattrFd(fd, name);
    else if (value.equals(kept)) wanted.delete(name);
  }
  for (const [name, value] of wanted) setXattrFd(fd, name, value);
  if ((statFd(fd).mode & 0o7777) !== (meta.mode & 0o7777)) chmodFd(fd, meta.mode);
  if (record?.time !== undefined) setTimeFd(fd, record.time);
}
