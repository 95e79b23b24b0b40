/** An archive as a stream, unpacked where it is compressed in a way that Node knows. */
import { Readable, type Transform, pipeline } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { RegrowError } from "../../base/errors.ts";

type Chunks = AsyncIterable<Uint8Array>;

const LONGEST_MAGIC = 6;
const MAGICS: readonly { readonly bytes: string; readonly unpack: (() => Transform) | string }[] = [
  { bytes: "1f8b", unpack: createGunzip },
  { bytes: "28b52ffd", unpack: createZstdDecompress },
  { bytes: "fd377a585a00", unpack: "xz" },
  { bytes: "425a68", unpack: "bzip2" },
];

/** `name` is what errors call it. Throws `unsupported` for compressions that Node lacks; `corrupt` where it can't be unpacked. */
export async function* unpackArchive(name: string, source: Chunks): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await readFirst(iterator);
  const start = first.toString("hex");
  const magic = MAGICS.find(({ bytes }) => start.startsWith(bytes));
  if (magic === undefined) yield* continued(first, iterator);
  else if (typeof magic.unpack === "string") throw unknownCompression(name, magic.unpack);
  else yield* unpacked(name, continued(first, iterator), magic.unpack());
}

async function readFirst(iterator: AsyncIterator<Uint8Array>): Promise<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < LONGEST_MAGIC) {
    const next = await iterator.next();
    if (next.done === true) break;
    first = Buffer.concat([first, next.value]);
  }
  return first;
}

async function* continued(first: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

async function* unpacked(name: string, packed: Chunks, unpack: Transform): AsyncGenerator<Uint8Array> {
  // Where one of the two fails, the loop below throws its error.
  const stream = pipeline(Readable.from(packed), unpack, () => {});
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    if (cause instanceof RegrowError) throw cause;
    const reason = cause instanceof Error ? cause.message : "unknown";
    throw new RegrowError("corrupt", `${name}: can't be unpacked: ${reason}.`, {
      path: name,
      cause,
      hint: "Get the archive again.",
    });
  }
}

function unknownCompression(name: string, program: string): RegrowError {
  return new RegrowError("unsupported", `${name}: is compressed with ${program}.`, {
    path: name,
    hint: `Unpack it on the way: ${program} -dc ${name} | regrow import -`,
  });
}
