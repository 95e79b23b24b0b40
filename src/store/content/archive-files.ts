/** Content as `.filez`: header and raw deflate in one file, which any web server and any file system can hold. */
import { type ContentMeta, decodeFilezHeader, encodeFilezHeader, headerLength, isLink } from "../../codec/ostree/content.ts";
import { deflateBuffer, deflateFile } from "../../sys/deflate.ts";
import { O, closeFd, openAt, tryOpenAt } from "../../sys/open.ts";
import { readAt } from "../../sys/read-file.ts";
import { statFd } from "../../sys/stat.ts";
import { writeAt } from "../../sys/write-file.ts";
import { takeRoom, writeWithin } from "../room.ts";
import type { ContentTarget, OpenContent } from "./open-content.ts";
import { type Payload, payloadSize } from "./payload.ts";

const PREFIX = 8;

/** Writes a new object under `name`. A promise only where the payload is too large for memory. */
export function writeArchive(target: ContentTarget, name: string, meta: ContentMeta, payload: Payload): void | Promise<void> {
  const header = encodeFilezHeader(meta, isLink(meta) ? 0 : payloadSize(payload));
  const fd = openAt(target.dirFd, name, O.WRONLY | O.CREAT | O.EXCL, 0o644);
  if (!isLink(meta) && payload.kind === "file") return writeLarge(fd, header, payload, target);
  try {
    const whole = isLink(meta) || payload.kind === "file" ? header : deflateBuffer(header, payload.data, target.zlibLevel);
    writeWithin(target.room, fd, whole, 0);
  } finally {
    closeFd(fd);
  }
}

/** Opens an object. Undefined where there is none; throws `corrupt`. */
export function openArchive(objectsFd: number, name: string): OpenContent | undefined {
  // A FIFO in an object's place must not stop the process for ever.
  const fd = tryOpenAt(objectsFd, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
  if (fd < 0) return undefined;
  try {
    const prefix = Buffer.alloc(PREFIX);
    const length = headerLength(prefix.subarray(0, readAt(fd, prefix, 0, PREFIX, 0)));
    const header = Buffer.alloc(length);
    const { meta, size } = decodeFilezHeader(header.subarray(0, readAt(fd, header, 0, length, PREFIX)));
    const content = { meta, size, fd, start: PREFIX + length, deflated: true };
    if (!isLink(meta)) return content;
    closeFd(fd);
    return { ...content, size: 0, fd: -1, deflated: false };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/** Bytes of the file on disk behind the header. */
export function packedSize(content: OpenContent): number {
  return statFd(content.fd).size - content.start;
}

async function writeLarge(
  fd: number,
  header: Buffer,
  payload: Payload & { kind: "file" },
  { zlibLevel, room }: ContentTarget,
): Promise<void> {
  try {
    writeAt(fd, header, 0);
    // What comes out is hardly ever more than what goes in, and not before it.
    const take = (piece: Buffer): void => void (room !== undefined && takeRoom(room, piece.length));
    await deflateFile({ fd: payload.fd, start: 0, end: payload.size }, fd, header.length, zlibLevel, take);
  } finally {
    closeFd(fd);
  }
}
