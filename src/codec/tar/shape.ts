/**
 * How a file's bytes lie in the archive: how many are stored, how large the file is, where its data is. A sparse file's map is read
 * on the way, so that the archive then stands at the first byte of data.
 */
import type { ByteString } from "../../base/byte-string.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type Place, corruptTar, shown, unsupportedTar } from "./corrupt.ts";
import { storedSize } from "./decode-entry.ts";
import type { TarExtent, TarType } from "./entry.ts";
import type { Member } from "./member.ts";
import { paxInteger } from "./pax-fields.ts";
import { checkExtents, extentsFromPairs, readMapInData, readOldGnuMap } from "./sparse-map.ts";

export interface Shape {
  /** Bytes of data behind the headers and the sparse map. */
  readonly stored: number;
  /** Bytes of the file with its holes. */
  readonly size: number;
  readonly sparse: readonly TarExtent[] | undefined;
}

export async function readShape(bytes: ByteReader, member: Member, type: TarType, place: Place): Promise<Shape> {
  const stored = storedSize(member, type, place);
  const isPaxSparse = hasSparseKeys(member);
  if (isPaxSparse && type !== "file") throw corruptTar(place, "it has a sparse map and is no file");
  if (member.header.typeFlag === "S") {
    const { extents, size } = await readOldGnuMap(bytes, member.header, place);
    return { stored, size, sparse: checkExtents(extents, size, stored, place) };
  }
  if (isPaxSparse) return readPaxShape(bytes, member, stored, place);
  return { stored, size: type === "file" ? stored : 0, sparse: undefined };
}

function hasSparseKeys({ pax }: Member): boolean {
  if (pax.sparsePairs.length > 0) return true;
  return ["GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.realsize", "GNU.sparse.major"].some((key) => pax.values.has(key));
}

async function readPaxShape(bytes: ByteReader, { pax }: Member, stored: number, place: Place): Promise<Shape> {
  const size = paxInteger(pax, "GNU.sparse.realsize", place) ?? paxInteger(pax, "GNU.sparse.size", place);
  if (size === undefined) throw corruptTar(place, "it has a sparse map and no size");
  const major = pax.values.get("GNU.sparse.major");
  if (major === undefined) {
    const extents = extentsFromPairs(pax.values.get("GNU.sparse.map")?.split(",") ?? pax.sparsePairs, place);
    return { stored, size, sparse: checkExtents(extents, size, stored, place) };
  }
  const version = `${major}.${pax.values.get("GNU.sparse.minor") ?? ""}` as ByteString;
  if (version !== "1.0")
    throw unsupportedTar(place, `its sparse map has version ${shown(version)}, which is none that this version knows`);
  const { extents, mapBytes } = await readMapInData(bytes, stored, place);
  return { stored: stored - mapBytes, size, sparse: checkExtents(extents, size, stored - mapBytes, place) };
}
