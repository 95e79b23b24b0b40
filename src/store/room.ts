/**
 * How much a transaction may still write before the repository's reserve is touched: one number in memory that all threads share. Whoever
 * writes takes its bytes from it first, at most `STEP` at a time, so that no more than that is ever under way in a thread.
 *
 * What was taken need not take space: blocks are shared, files are packed, copies go again. So an empty room is no refusal yet: the
 * file system is asked, once it knows where everything goes.
 */
import { RegrowError } from "../base/errors.ts";
import { formatSize } from "../base/units.ts";
import { syncFileSystem } from "../sys/durable.ts";
import { spaceOf } from "../sys/space.ts";
import { writeAt } from "../sys/write-file.ts";
import type { Repository } from "./repository.ts";

/** Plain data: it goes to a worker thread in a job and is the same room there. */
export interface Room {
  readonly repository: Repository;
  /** Blocks that are left, in memory that is shared. Below 0 for a moment while a thread finds that they don't suffice. */
  readonly left: Int32Array;
}

/** Bytes: the longest write for which room is taken at once. */
export const STEP = 1024 * 1024;
const BLOCK = 4096;
/** 4 TiB; who writes more asks again. */
const MOST_BLOCKS = 2 ** 30;

export function newRoom(repository: Repository): Room {
  const left = new Int32Array(new SharedArrayBuffer(4));
  left[0] = blocksLeft(repository);
  return { repository, left };
}

/** Call before `bytes` are written. Throws `no-space` where that would touch the reserve. */
export function takeRoom({ repository, left }: Room, bytes: number): void {
  const blocks = Math.ceil(bytes / BLOCK);
  if (blocks === 0) return;
  if (blocks <= MOST_BLOCKS && Atomics.sub(left, 0, blocks) >= blocks) return;
  if (blocks <= MOST_BLOCKS) Atomics.add(left, 0, blocks);
  syncFileSystem(repository.fd);
  const found = blocksLeft(repository);
  // Another thread may do the same at this moment; each is wrong by no more than what the other has under way.
  if (blocks <= found) return void Atomics.store(left, 0, found - blocks);
  const { path } = repository;
  const [needed, room] = [blocks, found].map((count) => formatSize(count * BLOCK));
  throw new RegrowError("no-space", `${path}: too little space: ${needed} more are to be written, ${room} may be.`, {
    path,
    hint: "Free some space (`regrow prune`), or lower min-free-space-percent or min-free-space-size in the repository's config.",
  });
}

/** Writes all of `data` at `position`, step by step. Without a room, at once. */
export function writeWithin(room: Room | undefined, fd: number, data: Uint8Array, position: number): void {
  if (room === undefined) return writeAt(fd, data, position);
  for (let at = 0; at < data.length; at += STEP) {
    const piece = data.subarray(at, at + STEP);
    takeRoom(room, piece.length);
    writeAt(fd, piece, position + at);
  }
}

function blocksLeft({ fd, config }: Repository): number {
  const { total, available } = spaceOf(fd);
  // A file system in memory without a limit of its own says that it has no blocks at all.
  if (total === 0) return MOST_BLOCKS;
  const reserve = config.minFreeBytes ?? (total * config.minFreePercent) / 100;
  return Math.max(0, Math.min(MOST_BLOCKS, Math.floor((available - reserve) / BLOCK)));
}
