/**
 * Copying one content object into a staging folder, from any mode to any mode, hashed on the way: the checksum is that of the
 * bytes that were written, and an object gets its name only once they are all there. Plain to plain shares blocks where the file
 * system can; deflated to deflated copies the compressed bytes.
 */
import { createHash, hash } from "node:crypto";
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader, encodeFilezHeader, isLink } from "../../codec/ostree/content.ts";
import { deflateBuffer, deflateFile, inflateBuffer } from "../../sys/deflate.ts";
import { renameAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readAt } from "../../sys/read-file.ts";
import { makeScratch } from "../../sys/scratch.ts";
import { statFd } from "../../sys/stat.ts";
import { truncateFd, writeAt } from "../../sys/write-file.ts";
import { objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type Room, takeRoom, writeWithin } from "../room.ts";
import { inStagingFolder, stageFile } from "../transaction.ts";
import { packedSize } from "./archive-files.ts";
import { adoptCopy, hashContent, streamPayload, writeContent } from "./content-format.ts";
import type { OpenContent } from "./open-content.ts";
import { MEMORY_LIMIT, copyPayload, isZero } from "./payload.ts";

export interface CopyRequest {
  readonly content: OpenContent;
  /** In place of the object's own; type and link target included. */
  readonly meta: ContentMeta;
  readonly repository: Repository;
  readonly stagingFd: number;
  /** Undefined for a repair, which may touch the reserve. */
  readonly room?: Room | undefined;
  /** A name that no other copy into this staging folder uses at this time. */
  readonly label: string;
  /** Throws `corrupt`, and leaves nothing behind, where what was copied has another checksum. */
  readonly expected?: Checksum | undefined;
}

export interface CopiedContent {
  readonly checksum: Checksum;
  /** Bytes of the new object, roughly what it takes on disk. */
  readonly bytes: number;
}

/** Throws `corrupt`, `unsupported` (what mode bare-user-only can't keep), SystemError. */
export async function copyContent(request: CopyRequest): Promise<CopiedContent> {
  const { content, meta, repository } = request;
  const toArchive = repository.config.mode === "archive";
  if (isLink(meta)) return copySmall(request);
  if (!toArchive && !content.deflated) return copyAside(request, plainToPlain);
  if (Math.max(content.size, content.deflated ? packedSize(content) : 0) <= MEMORY_LIMIT) return copySmall(request);
  if (!toArchive) return copyAside(request, deflatedToPlain);
  return copyAside(request, content.deflated ? deflatedToDeflated : plainToDeflated);
}

function copySmall(request: CopyRequest): CopiedContent {
  const { content, meta, repository, stagingFd } = request;
  const { stored, data, checksum } = isLink(meta) ? emptyPayload(meta) : readSmall(content, meta);
  refuseOther(request, checksum);
  const name = objectFile(repository, "file", checksum);
  const { mode, zlibLevel } = repository.config;
  if (mode !== "archive") {
    const target = { dirFd: stagingFd, umask: repository.umask, zlibLevel, room: request.room };
    inStagingFolder(stagingFd, name, () => (writeContent(mode, target, name, meta, { kind: "memory", data }), true));
    return { checksum, bytes: data.length };
  }
  const header = encodeFilezHeader(meta, data.length);
  const file = content.deflated || isLink(meta) ? Buffer.concat([header, stored]) : deflateBuffer(header, data, zlibLevel);
  if (request.room !== undefined) takeRoom(request.room, file.length);
  stageFile(stagingFd, name, file);
  return { checksum, bytes: file.length };
}

interface SmallPayload {
  /** As it is in the source; it and `data` are valid until the next object is read. */
  readonly stored: Buffer;
  readonly data: Buffer;
  readonly checksum: Checksum;
}

function emptyPayload(meta: ContentMeta): SmallPayload {
  return { stored: NOTHING, data: NOTHING, checksum: hash("sha256", encodeContentHeader(meta), "hex") as Checksum };
}

function readSmall(content: OpenContent, meta: ContentMeta): SmallPayload {
  const header = encodeContentHeader(meta);
  const length = content.deflated ? packedSize(content) : content.size;
  const whole = scratch(header.length + length).subarray(0, header.length + length);
  header.copy(whole);
  if (readAt(content.fd, whole, header.length, length, content.start) !== length)
    throw new RegrowError("corrupt", "The object ended too early.");
  const stored = whole.subarray(header.length);
  if (!content.deflated) return { stored, data: stored, checksum: hash("sha256", whole, "hex") as Checksum };
  const data = inflateBuffer(stored, content.size);
  return { stored, data, checksum: createHash("sha256").update(header).update(data).digest("hex") as Checksum };
}

/** Writes the copy under a name of its own first: its checksum is known only when the last byte is. */
async function copyAside(
  request: CopyRequest,
  copy: (fd: number, request: CopyRequest) => Promise<CopiedContent>,
): Promise<CopiedContent> {
  const { repository, stagingFd, label } = request;
  const fd = openAt(stagingFd, label, O.RDWR | O.CREAT | O.EXCL, repository.config.mode === "archive" ? 0o644 : 0o600);
  let placed = false;
  try {
    const { checksum, bytes } = await copy(fd, request);
    refuseOther(request, checksum);
    const name = objectFile(repository, "file", checksum);
    inStagingFolder(stagingFd, name, () => renameAt(stagingFd, label, stagingFd, name));
    placed = true;
    return { checksum, bytes };
  } finally {
    closeFd(fd);
    if (!placed) tryUnlinkAt(stagingFd, label);
  }
}

async function plainToPlain(fd: number, { content, meta, repository, room }: CopyRequest): Promise<CopiedContent> {
  const digest = createHash("sha256").update(encodeContentHeader(meta));
  copyPayload(fd, content.fd, content.size, (piece) => digest.update(piece), room);
  adoptCopy(repository.config.mode, fd, meta);
  return { checksum: digest.digest("hex") as Checksum, bytes: content.size };
}

async function deflatedToPlain(fd: number, { content, meta, repository, room }: CopyRequest): Promise<CopiedContent> {
  const digest = createHash("sha256").update(encodeContentHeader(meta));
  let position = 0;
  await streamPayload(content, (piece) => {
    digest.update(piece);
    if (!isZero(piece)) writeWithin(room, fd, piece, position);
    position += piece.length;
  });
  truncateFd(fd, position);
  adoptCopy(repository.config.mode, fd, meta);
  return { checksum: digest.digest("hex") as Checksum, bytes: content.size };
}

async function deflatedToDeflated(fd: number, { content, meta, room }: CopyRequest): Promise<CopiedContent> {
  const header = encodeFilezHeader(meta, content.size);
  writeAt(fd, header, 0);
  const packed = packedSize(content);
  const piece = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; at < packed;) {
    const count = readAt(content.fd, piece, 0, Math.min(CHUNK, packed - at), content.start + at);
    if (count === 0) break;
    writeWithin(room, fd, piece.subarray(0, count), header.length + at);
    at += count;
  }
  const checksum = await hashContent({ meta, size: content.size, fd, start: header.length, deflated: true });
  return { checksum, bytes: header.length + packed };
}

async function plainToDeflated(fd: number, { content, meta, repository, room }: CopyRequest): Promise<CopiedContent> {
  const header = encodeFilezHeader(meta, content.size);
  writeAt(fd, header, 0);
  const digest = createHash("sha256").update(encodeContentHeader(meta));
  const slice = { fd: content.fd, start: content.start, end: content.start + content.size };
  await deflateFile(slice, fd, header.length, repository.config.zlibLevel, (piece) => {
    if (room !== undefined) takeRoom(room, piece.length);
    digest.update(piece);
  });
  return { checksum: digest.digest("hex") as Checksum, bytes: statFd(fd).size };
}

function refuseOther({ expected }: CopyRequest, checksum: Checksum): void {
  if (expected === undefined || checksum === expected) return;
  throw new RegrowError("corrupt", "Its content does not match its checksum.");
}

const NOTHING = Buffer.alloc(0);
const CHUNK = 1024 * 1024;
const scratch = makeScratch();
