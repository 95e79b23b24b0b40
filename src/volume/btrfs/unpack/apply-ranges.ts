/** Commands about stretches of files that carry no data. */
import type { SendCommand } from "../../../codec/btrfs-send/command.ts";
import { corruptStream, shown, unsupportedStream } from "../../../codec/btrfs-send/failures.ts";
import { ALLOCATE, allocate } from "../../../sys/allocate.ts";
import { copyBetween } from "../../../sys/copy-between.ts";
import { O, closeFd, openBeneath } from "../../../sys/open.ts";
import { statFd } from "../../../sys/stat.ts";
import { truncateFd, writeAt } from "../../../sys/write-file.ts";
import { type OpenTree, openFile } from "./open-tree.ts";

const PIECE = 1024 * 1024;

type Clone = Extract<SendCommand, { kind: "clone" }>;
type Allocation = Extract<SendCommand, { kind: "fallocate" }>;

/** Shares the blocks where the file system can, else copies them. */
export function cloneRange(tree: OpenTree, clone: Clone, source: OpenTree): void {
  const targetFd = tree.fileAt(clone.path);
  const cut = clone.clonePath.lastIndexOf("/");
  const folderFd = openBeneath(source.rootFd, clone.clonePath.slice(0, Math.max(cut, 0)) as Clone["path"], O.PATH | O.DIRECTORY);
  try {
    const fd = openFile({ fd: folderFd, name: clone.clonePath.slice(cut + 1) as Clone["path"] }, clone.clonePath, O.RDONLY);
    try {
      const stretch = { from: clone.cloneOffset, to: clone.offset, length: clone.length };
      if (copyBetween(fd, targetFd, stretch) < clone.length)
        throw corruptStream(`${shown(clone.clonePath)} is too short to copy from`);
    } finally {
      closeFd(fd);
    }
  } finally {
    closeFd(folderFd);
  }
}

/** Where the file system can't, space is not reserved, and a hole is zeros. */
export function allocateRange(fd: number, { mode, offset, size }: Allocation): void {
  const isHole = mode === (ALLOCATE.punchHole | ALLOCATE.keepSize);
  if (!isHole && (mode & ~ALLOCATE.keepSize) !== 0) throw unsupportedStream(`it has an fallocate of mode ${mode}`);
  if (size === 0 || allocate(fd, mode, offset, size)) return;
  const end = statFd(fd).size;
  if (isHole) writeZeros(fd, offset, Math.min(offset + size, end));
  else if (mode === 0 && offset + size > end) truncateFd(fd, offset + size);
}

function writeZeros(fd: number, start: number, end: number): void {
  const zeros = Buffer.alloc(Math.max(Math.min(PIECE, end - start), 0));
  for (let at = start; at < end; at += zeros.length) writeAt(fd, zeros.subarray(0, end - at), at);
}
