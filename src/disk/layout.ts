/** What a disk should look like, before its size is known: the wish from which `planDisk` makes numbers. */

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** What a partition is for. One of each at most; `esp` and `root` are in every layout. */
export type PartitionRole = "esp" | "root";

export interface Layout {
  readonly name: string;
  /** In the order on the disk. */
  readonly partitions: readonly PartitionWish[];
}

export interface PartitionWish {
  readonly role: PartitionRole;
  /** Bytes, a multiple of 1 MiB; `rest` takes what the others leave (the last partition only). */
  readonly size: number | "rest";
  /** The least number of bytes that is of any use. */
  readonly smallest: number;
  /** The partition's name in the table: at most 36 characters. */
  readonly label: string;
  readonly fileSystem: FileSystemWish;
}

export interface FileSystemWish {
  readonly type: FileSystemType;
  /** At most 11 capital letters for FAT. */
  readonly label: string;
  /** Where the system mounts it; the first is what the tree or the boot files are written to. */
  readonly mounts: readonly [MountWish, ...MountWish[]];
}

export type FileSystemType = "fat" | "btrfs";

export interface MountWish {
  /** Such as `/` or `/boot/efi`. */
  readonly path: string;
  /** The btrfs subvolume, which is made with the file system. */
  readonly subvolume?: string;
  readonly options: readonly string[];
}

/** One ESP that holds loader, kernels and initrds, and one btrfs with the system in a subvolume. */
export const SIMPLE: Layout = {
  name: "simple",
  partitions: [
    {
      role: "esp",
      size: 512 * MiB,
      smallest: 512 * MiB,
      label: "ESP",
      fileSystem: { type: "fat", label: "ESP", mounts: [{ path: "/boot/efi", options: ["umask=0077"] }] },
    },
    {
      role: "root",
      size: "rest",
      smallest: GiB / 2,
      label: "root",
      fileSystem: { type: "btrfs", label: "root", mounts: [{ path: "/", subvolume: "@rootfs", options: ["defaults"] }] },
    },
  ],
};

export const LAYOUTS: ReadonlyMap<string, Layout> = new Map([[SIMPLE.name, SIMPLE]]);
