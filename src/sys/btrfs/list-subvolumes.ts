/** Which subvolumes a btrfs file system has, from its tree of roots. Needs CAP_SYS_ADMIN. */
import type { ByteString } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { lastError } from "../native.ts";
import { FIRST_FREE, IOC, ITEM, LAST_FREE, TREE, ioctl, uuidAt } from "./ioctl.ts";
import { type TreeItem, searchTree } from "./tree-search.ts";

export interface Subvolume {
  readonly id: bigint;
  /** Of the subvolume that it is nested in; 5 is the top level. */
  readonly parentId: bigint;
  /** From the top level, whatever is mounted. */
  readonly path: ByteString;
  /** 32 hexadecimal digits, as the next two; undefined where there is none. */
  readonly uuid: string | undefined;
  /** Of what it was made a snapshot of. */
  readonly parentUuid: string | undefined;
  /** Of the subvolume elsewhere from which it was received. */
  readonly receivedUuid: string | undefined;
  readonly isReadOnly: boolean;
  /** Transactions: in which it was made, and in which something in it was last written. */
  readonly otransid: bigint;
  readonly ctransid: bigint;
  /** When it was made, in seconds since 1970. */
  readonly createdSeconds: number;
}

export const TOP_LEVEL = TREE.fs;

// struct btrfs_root_item, packed; the older form ends before generation_v2.
const AT = { flags: 208, refs: 216, uuid: 247, parentUuid: 263, receivedUuid: 279, ctransid: 295, otransid: 303, otime: 339 };
const LEGACY_SIZE = 239;
const READ_ONLY = 1n;

interface Found {
  root?: Omit<Subvolume, "id" | "parentId" | "path">;
  /** Where its name stands: struct btrfs_root_ref and the key of its item. */
  place?: { readonly parentId: bigint; readonly folder: bigint; readonly name: ByteString };
}

/** All of the file system of the open folder but the top level, by id. Those that are being removed have no name and don't count. */
export function listSubvolumes(fd: number): Subvolume[] {
  const found = new Map<bigint, Found>();
  const range = { tree: TREE.root, objects: [FIRST_FREE, LAST_FREE], types: [ITEM.root, ITEM.rootBackref] } as const;
  for (const item of searchTree(fd, range)) {
    const one = found.get(item.object) ?? {};
    found.set(item.object, one);
    if (item.type === ITEM.root && item.data.readUInt32LE(AT.refs) > 0) one.root = decodeRoot(item.data);
    if (item.type === ITEM.rootBackref) one.place = decodePlace(item);
  }
  const paths = new Map<bigint, ByteString>([[TOP_LEVEL, "" as ByteString]]);
  const pathOf = (id: bigint): ByteString | undefined => {
    const known = paths.get(id);
    const place = found.get(id)?.place;
    if (known !== undefined || place === undefined) return known;
    const parent = pathOf(place.parentId);
    if (parent === undefined) return undefined;
    const path = `${parent}${parent === "" ? "" : "/"}${pathInSubvolume(fd, place.parentId, place.folder)}${place.name}`;
    paths.set(id, path as ByteString);
    return path as ByteString;
  };
  const list: Subvolume[] = [];
  for (const [id, { root, place }] of found) {
    const path = root === undefined ? undefined : pathOf(id);
    if (path !== undefined) list.push({ id, parentId: place!.parentId, path, ...root! });
  }
  return list;
}

/** The path of a subvolume from the top level. Throws `not-found`, SystemError. */
export function pathOfSubvolume(fd: number, id: bigint): ByteString {
  const pieces: string[] = [];
  for (let at = id; at !== TOP_LEVEL;) {
    const place = placeOf(fd, at);
    pieces.unshift(`${pathInSubvolume(fd, place.parentId, place.folder)}${place.name}`);
    at = place.parentId;
  }
  return pieces.join("/") as ByteString;
}

/** The id of the subvolume that the open file is in. Throws SystemError. */
export function subvolumeIdOf(fd: number): bigint {
  const lookup = Buffer.alloc(4096);
  lookup.writeBigUInt64LE(FIRST_FREE, 8);
  if (ioctl(fd, IOC.inoLookup, lookup) < 0) throw lastError("ioctl BTRFS_IOC_INO_LOOKUP");
  return lookup.readBigUInt64LE(0);
}

/** The id of the subvolume that is mounted where nobody says which: the entry `default` of the root tree's folder. Throws SystemError. */
export function defaultSubvolume(fd: number): bigint {
  const objects = [TREE.rootDirectory, TREE.rootDirectory] as const;
  // struct btrfs_dir_item: the key that it leads to, u64 transaction, u16 length of data, u16 length of name, u8 type, name.
  for (const { type, data } of searchTree(fd, { tree: TREE.root, objects, types: [ITEM.dirItem, ITEM.dirItem] })) {
    if (type === ITEM.dirItem && data.toString("latin1", 30, 30 + data.readUInt16LE(27)) === "default")
      return data.readBigUInt64LE(0);
  }
  return TOP_LEVEL;
}

/** With a slash at its end; "" is the root of the subvolume. */
function pathInSubvolume(fd: number, id: bigint, folder: bigint): string {
  if (folder === FIRST_FREE) return "";
  const lookup = Buffer.alloc(4096);
  lookup.writeBigUInt64LE(id, 0);
  lookup.writeBigUInt64LE(folder, 8);
  if (ioctl(fd, IOC.inoLookup, lookup) < 0) throw lastError("ioctl BTRFS_IOC_INO_LOOKUP");
  return lookup.toString("latin1", 16, lookup.indexOf(0, 16));
}

function placeOf(fd: number, id: bigint): Found["place"] & object {
  for (const item of searchTree(fd, { tree: TREE.root, objects: [id, id], types: [ITEM.rootBackref, ITEM.rootBackref] }))
    if (item.type === ITEM.rootBackref) return decodePlace(item);
  throw new RegrowError("not-found", `There is no subvolume with the id ${id}.`);
}

function decodePlace({ offset, data }: TreeItem): Found["place"] & object {
  const name = data.toString("latin1", 18, 18 + data.readUInt16LE(16)) as ByteString;
  return { parentId: offset, folder: data.readBigUInt64LE(0), name };
}

function decodeRoot(data: Buffer): Found["root"] & object {
  const isReadOnly = (data.readBigUInt64LE(AT.flags) & READ_ONLY) !== 0n;
  if (data.length <= LEGACY_SIZE) {
    const none = { uuid: undefined, parentUuid: undefined, receivedUuid: undefined };
    return { ...none, isReadOnly, otransid: 0n, ctransid: 0n, createdSeconds: 0 };
  }
  return {
    uuid: uuidAt(data, AT.uuid),
    parentUuid: uuidAt(data, AT.parentUuid),
    receivedUuid: uuidAt(data, AT.receivedUuid),
    isReadOnly,
    otransid: data.readBigUInt64LE(AT.otransid),
    ctransid: data.readBigUInt64LE(AT.ctransid),
    createdSeconds: Number(data.readBigUInt64LE(AT.otime)),
  };
}
