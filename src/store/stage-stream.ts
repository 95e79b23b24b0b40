/**
 * Staging a file that comes as a stream, so that its checksum is known only at its end. A small one is gathered in memory; a
 * large one is written to a copy in the staging folder, which becomes the object.
 */
import { createHash } from "node:crypto";
import { throwIfCancelled } from "../base/errors.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader } from "../codec/ostree/content.ts";
import { tryUnlinkAt } from "../sys/names.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import { temporaryName } from "../sys/temporary-name.ts";
import { truncateFd, writeAt } from "../sys/write-file.ts";
import { MEMORY_LIMIT, isZero } from "./content/payload.ts";
import { placeCopy } from "./content/place-copy.ts";
import { stageContent } from "./stage-content.ts";
import { takeRoom } from "./room.ts";
import type { Transaction } from "./transaction.ts";

/** A regular file of exactly `size` bytes. Throws `no-space` before the first byte is written, and what `chunks` throws. */
export function stageStream(
  transaction: Transaction,
  meta: ContentMeta,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<Checksum> {
  return size <= MEMORY_LIMIT ? stageSmall(transaction, meta, size, chunks) : stageLarge(transaction, meta, size, chunks, signal);
}

async function stageSmall(
  transaction: Transaction,
  meta: ContentMeta,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Checksum> {
  const data = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of chunks) {
    data.set(chunk, filled);
    filled += chunk.length;
  }
  return stageContent(transaction, meta, data.subarray(0, filled));
}

async function stageLarge(
  transaction: Transaction,
  meta: ContentMeta,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Checksum> {
  const { stagingFd } = transaction;
  takeRoom(transaction.room, size);
  const name = temporaryName("stream");
  const fd = openAt(stagingFd, name, O.RDWR | O.CREAT | O.EXCL, 0o600);
  try {
    const checksum = await fillCopy(fd, meta, size, chunks, signal);
    if (await placeCopy(transaction, { name, fd, size }, meta, checksum)) {
      transaction.stagedFiles++;
      transaction.stagedBytes += size;
    }
    return checksum;
  } finally {
    closeFd(fd);
    tryUnlinkAt(stagingFd, name);
  }
}

async function fillCopy(
  fd: number,
  meta: ContentMeta,
  size: number,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Checksum> {
  const digest = createHash("sha256").update(encodeContentHeader(meta));
  let position = 0;
  for await (const chunk of chunks) {
    throwIfCancelled(signal);
    digest.update(chunk);
    // What is not written is a hole, and reads as zeroes.
    if (!isZero(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))) writeAt(fd, chunk, position);
    position += chunk.length;
  }
  truncateFd(fd, size);
  return digest.digest("hex") as Checksum;
}
