/** Reading btrfs's own trees by BTRFS_IOC_TREE_SEARCH_V2. Needs CAP_SYS_ADMIN. */
import { lastError } from "../native.ts";
import { IOC, ioctl } from "./ioctl.ts";

/** A part of the linear order of keys: all between the first object with the first type and the last with the last. */
export interface SearchRange {
  /** 0 is the tree of the open file. */
  readonly tree: bigint;
  readonly objects: readonly [first: bigint, last: bigint];
  readonly types: readonly [first: number, last: number];
}

export interface TreeItem {
  readonly object: bigint;
  readonly type: number;
  readonly offset: bigint;
  /** A copy of nothing: valid until the next item is asked for. */
  readonly data: Buffer;
}

// struct btrfs_ioctl_search_args_v2: the key of 104 bytes, u64 size of the buffer, the buffer.
const SEARCH_HEADER = 112;
// struct btrfs_ioctl_search_header
const ITEM_HEADER = 32;
const ALL = 0xffff_ffff_ffff_ffffn;
const ROOM = 64 * 1024;

/** The items of the range in order, with others of the objects between its ends. Throws SystemError. */
export function* searchTree(fd: number, { tree, objects, types }: SearchRange): Generator<TreeItem> {
  const search = Buffer.alloc(SEARCH_HEADER + ROOM);
  let [object, type, offset] = [objects[0], types[0], 0n];
  for (;;) {
    search.fill(0, 0, SEARCH_HEADER);
    search.writeBigUInt64LE(tree, 0);
    search.writeBigUInt64LE(object, 8);
    search.writeBigUInt64LE(objects[1], 16);
    search.writeBigUInt64LE(offset, 24);
    search.writeBigUInt64LE(ALL, 32);
    search.writeBigUInt64LE(ALL, 48);
    search.writeUInt32LE(type, 56);
    search.writeUInt32LE(types[1], 60);
    search.writeUInt32LE(0xffff_ffff, 64);
    search.writeBigUInt64LE(BigInt(ROOM), 104);
    if (ioctl(fd, IOC.treeSearchV2, search) < 0) throw lastError("ioctl BTRFS_IOC_TREE_SEARCH_V2");
    const count = search.readUInt32LE(64);
    if (count === 0) return;
    for (let item = 0, at = SEARCH_HEADER; item < count; item++) {
      object = search.readBigUInt64LE(at + 8);
      offset = search.readBigUInt64LE(at + 16);
      type = search.readUInt32LE(at + 24);
      const data = search.subarray(at + ITEM_HEADER, at + ITEM_HEADER + search.readUInt32LE(at + 28));
      at += ITEM_HEADER + data.length;
      yield { object, type, offset, data };
    }
    // The key after the last one.
    if (offset < ALL) offset += 1n;
    else if (type < 255) [type, offset] = [type + 1, 0n];
    else [object, type, offset] = [object + 1n, 0, 0n];
    if (object > objects[1] || (object === objects[1] && type > types[1])) return;
  }
}
