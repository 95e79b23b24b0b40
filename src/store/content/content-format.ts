/**
 * Content objects in the form of each repository mode, behind one door: `writeContent` makes one, `openContent` reads one
 * whatever wrote it. Checksums are the caller's business.
 */
import { hash, createHash } from "node:crypto";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader } from "../../codec/ostree/content.ts";
import { inflateBuffer, inflateFile, inflateForNow } from "../../sys/deflate.ts";
import { closeFd } from "../../sys/open.ts";
import { readAt } from "../../sys/read-file.ts";
import { missingObject, objectFile } from "../object-files.ts";
import type { RepositoryMode } from "../repository-config.ts";
import type { Repository } from "../repository.ts";
import { openArchive, packedSize, writeArchive } from "./archive-files.ts";
import {
  finishBare,
  finishBareUser,
  finishBareUserOnly,
  openBare,
  openBareUser,
  openBareUserOnly,
  writeBare,
  writeBareUser,
  writeBareUserOnly,
} from "./bare-files.ts";
import type { ContentTarget, OpenContent } from "./open-content.ts";
import { MEMORY_LIMIT, type Payload, eachChunk } from "./payload.ts";

/** What is read and hashed in one piece: it stays in the processor's cache. Memory taken anew for each object costs more than hashing it. */
const SCRATCH = 256 * 1024;

let room: Buffer | undefined;

type Writer = (target: ContentTarget, name: string, meta: ContentMeta, payload: Payload) => void | Promise<void>;
type Opener = (objectsFd: number, name: string) => OpenContent | undefined;

const WRITERS: Record<RepositoryMode, Writer> = {
  bare: writeBare,
  "bare-user": writeBareUser,
  "bare-user-only": writeBareUserOnly,
  archive: writeArchive,
};

const OPENERS: Record<RepositoryMode, Opener> = {
  bare: openBare,
  "bare-user": openBareUser,
  "bare-user-only": openBareUserOnly,
  archive: openArchive,
};

export function writeContent(
  mode: RepositoryMode,
  target: ContentTarget,
  name: string,
  meta: ContentMeta,
  payload: Payload,
): void | Promise<void> {
  return WRITERS[mode](target, name, meta, payload);
}

/**
 * Turns a new, complete copy of a regular file's payload into the object itself, where the mode keeps payloads as they are.
 * False where it doesn't: then the object has to be written.
 */
export function adoptCopy(mode: RepositoryMode, fd: number, meta: ContentMeta): boolean {
  if (mode === "archive") return false;
  if (mode === "bare") finishBare(fd, meta, -1);
  else if (mode === "bare-user") finishBareUser(fd, meta);
  else finishBareUserOnly(fd, meta);
  return true;
}

/** Throws `not-found`, `corrupt`. The content is not compared with its checksum here. */
export function openContent(repository: Repository, checksum: Checksum): OpenContent {
  for (let at: Repository | undefined = repository; at !== undefined; at = at.parent) {
    const name = objectFile(at, "file", checksum);
    const content = openNamed(at, name);
    if (content !== undefined) return content;
  }
  throw missingObject(repository, "file", checksum);
}

export function closeContent(content: OpenContent): void {
  if (content.fd >= 0) closeFd(content.fd);
}

/** The whole payload in memory. Throws `corrupt`, and `unsupported` for more than 2 GiB. */
export function readPayload(content: OpenContent): Buffer {
  return payloadOf(content, inflateBuffer);
}

function payloadOf(content: OpenContent, inflate: typeof inflateBuffer): Buffer {
  if (content.size === 0 && !content.deflated) return Buffer.alloc(0);
  if (content.size > 2 ** 31 - 1) throw new RegrowError("unsupported", "An object of more than 2 GiB can't be held in memory.");
  const length = content.deflated ? packedSize(content) : content.size;
  // Deflate adds little even to what it can't compress; a file of holes may say that it is of any size.
  if (length > content.size + (content.size >>> 3) + 4096)
    throw new RegrowError("corrupt", "An object has more compressed bytes than its size allows.");
  // What is packed is needed only until it is unpacked.
  const raw = content.deflated && length <= SCRATCH ? scratchRoom().subarray(0, length) : Buffer.allocUnsafe(length);
  if (readAt(content.fd, raw, 0, length, content.start) !== length)
    throw new RegrowError("corrupt", "An object ended too early.");
  return content.deflated ? inflate(raw, content.size) : raw;
}

/** Calls `take` with the payload piece by piece; a piece is only valid during the call. A promise only for large deflated ones. */
export function streamPayload(content: OpenContent, take: (piece: Buffer) => void): void | Promise<void> {
  if (content.fd < 0) return;
  if (!content.deflated) {
    eachChunk(content.fd, content.size, take);
    return;
  }
  const packed = packedSize(content);
  // A small stream may say that it unpacks to a very large file; only the size tells how to read it.
  if (content.size > MEMORY_LIMIT || packed > MEMORY_LIMIT) {
    return inflateFile({ fd: content.fd, start: content.start, end: content.start + packed }, content.size, take);
  }
  take(payloadOf(content, inflateForNow));
}

/** The checksum of what is really there. A promise only for large deflated ones. Throws `corrupt`. */
export function hashContent(content: OpenContent): Checksum | Promise<Checksum> {
  const header = encodeContentHeader(content.meta);
  if (!content.deflated) return hashPlain(content, header);
  const digest = createHash("sha256").update(header);
  const streamed = streamPayload(content, (piece) => digest.update(piece));
  if (streamed === undefined) return digest.digest("hex") as Checksum;
  return streamed.then(() => digest.digest("hex") as Checksum);
}

function hashPlain({ fd, size, start }: OpenContent, header: Buffer): Checksum {
  const scratch = scratchRoom();
  if (header.length + size <= SCRATCH) {
    header.copy(scratch);
    const count = fd < 0 ? 0 : readAt(fd, scratch, header.length, size, start);
    return hash("sha256", scratch.subarray(0, header.length + count), "hex") as Checksum;
  }
  const digest = createHash("sha256").update(header);
  for (let at = 0; at < size;) {
    const count = readAt(fd, scratch, 0, Math.min(SCRATCH, size - at), start + at);
    if (count === 0) break;
    digest.update(scratch.subarray(0, count));
    at += count;
  }
  return digest.digest("hex") as Checksum;
}

function openNamed(repository: Repository, name: string): OpenContent | undefined {
  try {
    return OPENERS[repository.config.mode](repository.objectsFd, name);
  } catch (error) {
    if (!(error instanceof RegrowError) || error.code !== "corrupt") throw error;
    const path = `${repository.path}/objects/${name}`;
    throw new RegrowError("corrupt", `${path}: ${error.message}`, {
      path,
      cause: error,
      hint: "`regrow fsck` names what it touches.",
    });
  }
}

function scratchRoom(): Buffer {
  return (room ??= Buffer.allocUnsafeSlow(SCRATCH));
}
