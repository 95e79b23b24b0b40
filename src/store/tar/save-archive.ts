/** An archive on its way to a file, which has its name only when it is complete. */
import { Readable, type Transform, pipeline } from "node:stream";
import { createGzip, createZstdCompress } from "node:zlib";
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { fsyncDirAt, fsyncFd } from "../../sys/durable.ts";
import { renameNoReplaceAt, tryUnlinkAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { writeAt } from "../../sys/write-file.ts";

type Chunks = AsyncIterable<Uint8Array>;

const PACKERS: Record<string, () => Transform> = { gz: createGzip, tgz: createGzip, zst: createZstdCompress };

/** Returns the file's size in bytes. Throws `exists` where there is something of that name, `no-space`, SystemError. */
export async function saveArchive(path: string, archive: Chunks): Promise<number> {
  const partial = `${path}.${process.pid}.partial`;
  const fd = openAt(CWD, bytesOf(partial), O.WRONLY | O.CREAT | O.EXCL, 0o666);
  let position = 0;
  try {
    for await (const chunk of packArchive(path, archive)) {
      writeAt(fd, chunk, position);
      position += chunk.length;
    }
    fsyncFd(fd);
    if (!renameNoReplaceAt(CWD, bytesOf(partial), CWD, bytesOf(path))) throw exists(path);
    fsyncDirAt(CWD, folderOf(path));
    return position;
  } catch (error) {
    tryUnlinkAt(CWD, bytesOf(partial));
    throw error;
  } finally {
    closeFd(fd);
  }
}

/** Compressed as the end of the name says: .gz, .tgz, .zst. */
function packArchive(path: string, archive: Chunks): Chunks {
  const createPacker = PACKERS[path.slice(path.lastIndexOf(".") + 1)];
  // A chunk is good only until the next one is asked for, and a packer asks ahead.
  return createPacker === undefined ? archive : pipeline(Readable.from(copied(archive)), createPacker(), () => {});
}

async function* copied(chunks: Chunks): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

function exists(path: string): RegrowError {
  return new RegrowError("exists", `${path}: exists already.`, { path, hint: "Choose another name, or remove it first." });
}
