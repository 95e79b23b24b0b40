/**
 * The numbers of btrfs's ioctls, from linux/btrfs.h: direction, size of the structure, magic 0x94, number. The structures hold their
 * buffers, so that no pointer has to be passed.
 */
import { declare } from "../native.ts";

export const ioctl = declare("int ioctl(int, uint64_t, void *)");

export const IOC = {
  sync: 0x9408,
  snapDestroy: 0x5000940f,
  treeSearchV2: 0xc0709411,
  inoLookup: 0xd0009412,
  defaultSubvol: 0x40089413,
  spaceInfo: 0xc0109414,
  snapCreateV2: 0x50009417,
  subvolCreateV2: 0x50009418,
  subvolGetFlags: 0x80089419,
  subvolSetFlags: 0x4008941a,
  devInfo: 0xd000941e,
  fsInfo: 0x8400941f,
  send: 0x40489426,
  getSubvolInfo: 0x81f8943c,
  snapDestroyV2: 0x5000943f,
} as const;

/** Objects and item types of the trees, from linux/btrfs_tree.h. */
export const TREE = { root: 1n, fs: 5n, rootDirectory: 6n } as const;
export const ITEM = { inodeRef: 12, inodeExtref: 13, dirItem: 84, root: 132, rootBackref: 144 } as const;
export const FIRST_FREE = 256n;
export const LAST_FREE = 0xffff_ffff_ffff_ff00n;

/** 32 hexadecimal digits; undefined where all are 0. */
export function uuidAt(data: Buffer, at: number): string | undefined {
  const uuid = data.toString("hex", at, at + 16);
  return /^0+$/.test(uuid) ? undefined : uuid;
}
