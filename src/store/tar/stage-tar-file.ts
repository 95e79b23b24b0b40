/** The content of a file in an archive becomes a content object: in memory where it is small, else through a file. */
import { createHash } from "node:crypto";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader } from "../../codec/ostree/content.ts";
import type { TarEntry, TarExtent } from "../../codec/tar/entry.ts";
import { unlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { truncateFd, writeAt } from "../../sys/write-file.ts";
import { writeContent } from "../content/content-format.ts";
import { MEMORY_LIMIT, eachChunk } from "../content/payload.ts";
import { hasObject, objectFile } from "../object-files.ts";
import { stageContent } from "../stage-content.ts";
import { type Transaction, inStagingFolder, spend } from "../transaction.ts";

/** Throws `no-space`, and what reading the archive throws. */
export async function stageTarFile(transaction: Transaction, meta: ContentMeta, entry: TarEntry): Promise<Checksum> {
  if (entry.size > MEMORY_LIMIT) return stageLarge(transaction, meta, entry);
  const data = Buffer.alloc(entry.size);
  for await (const { chunk, position } of placed(entry)) data.set(chunk, position);
  return stageContent(transaction, meta, data);
}

async function stageLarge(transaction: Transaction, meta: ContentMeta, entry: TarEntry): Promise<Checksum> {
  const fd = openSpool(transaction);
  try {
    for await (const { chunk, position } of placed(entry)) {
      spend(transaction, chunk.length);
      writeAt(fd, chunk, position);
    }
    truncateFd(fd, entry.size);
    const digest = createHash("sha256").update(encodeContentHeader(meta));
    eachChunk(fd, entry.size, (piece) => digest.update(piece));
    const checksum = digest.digest("hex") as Checksum;
    await stageCopy(transaction, checksum, meta, fd, entry.size);
    return checksum;
  } finally {
    closeFd(fd);
  }
}

async function stageCopy(
  transaction: Transaction,
  checksum: Checksum,
  meta: ContentMeta,
  fd: number,
  size: number,
): Promise<void> {
  const { repository, stagingFd, known } = transaction;
  const name = objectFile(repository, "file", checksum);
  if (known.has(name)) return;
  known.add(name);
  if (hasObject(repository, "file", checksum)) return;
  const place = { dirFd: stagingFd, umask: repository.umask, zlibLevel: repository.config.zlibLevel };
  const payload = { kind: "file", fd, size } as const;
  await inStagingFolder(stagingFd, name, () => writeContent(repository.config.mode, place, name, meta, payload));
  transaction.stagedFiles++;
  transaction.stagedBytes += size;
}

/** A file that has no name and goes away when it is closed. */
function openSpool({ stagingFd }: Transaction): number {
  const fd = openAt(stagingFd, "spool", O.RDWR | O.CREAT | O.EXCL, 0o600);
  unlinkAt(stagingFd, "spool");
  return fd;
}

/** The pieces of the content with their places in the file: of a sparse file, the archive has the extents only. */
async function* placed({ content, sparse, size }: TarEntry): AsyncGenerator<{ chunk: Uint8Array; position: number }> {
  const extents: TarExtent[] = [...(sparse ?? [{ offset: 0, length: size }])];
  let position = extents[0]?.offset ?? 0;
  for await (const whole of content) {
    for (let chunk = whole; chunk.length > 0;) {
      while (extents.length > 0 && position === extents[0]!.offset + extents[0]!.length) {
        extents.shift();
        position = extents[0]?.offset ?? position;
      }
      const room = extents[0]!.offset + extents[0]!.length - position;
      yield { chunk: chunk.subarray(0, room), position };
      position += Math.min(room, chunk.length);
      chunk = chunk.subarray(room);
    }
  }
}
