/** What btrfs tells of its space, without quota groups: what is allocated to data and metadata, and what of that is used. */
import { lastErrno, lastError } from "../native.ts";
import { IOC, ioctl } from "./ioctl.ts";

/** One kind of block groups. Bytes as files see them: on disk it is `copies` times as much. */
export interface SpaceGroup {
  readonly kind: "data" | "metadata" | "system" | "mixed";
  /** Such as `single`, `DUP`, `RAID1`. */
  readonly profile: string;
  /** How many bytes on disk one byte takes; of RAID5 and RAID6 with as many devices as there are. */
  readonly copies: number;
  /** Allocated for this kind. */
  readonly total: number;
  readonly used: number;
}

export interface BtrfsSpace {
  readonly groups: readonly SpaceGroup[];
  /** Metadata that is kept back so that removing always works; 0 where the kernel doesn't tell. */
  readonly reserve: number;
  /** Bytes on all devices, and how many of them belong to no block group yet. */
  readonly deviceBytes: number;
  readonly unallocated: number;
  readonly devices: number;
  /** Bytes of a block of metadata. */
  readonly nodeSize: number;
}

const TYPE = { data: 1n, system: 2n, metadata: 4n } as const;
const GLOBAL_RESERVE = 1n << 49n;
const PROFILES: readonly (readonly [flag: bigint, name: string, copies: (devices: number) => number])[] = [
  [1n << 3n, "RAID0", () => 1],
  [1n << 4n, "RAID1", () => 2],
  [1n << 5n, "DUP", () => 2],
  [1n << 6n, "RAID10", () => 2],
  [1n << 7n, "RAID5", (devices) => devices / Math.max(devices - 1, 1)],
  [1n << 8n, "RAID6", (devices) => devices / Math.max(devices - 2, 1)],
  [1n << 9n, "RAID1C3", () => 3],
  [1n << 10n, "RAID1C4", () => 4],
];

/** Of the file system of the open folder (BTRFS_IOC_SPACE_INFO, FS_INFO, DEV_INFO). Throws SystemError. */
export function btrfsSpace(fd: number): BtrfsSpace {
  const info = Buffer.alloc(1024);
  if (ioctl(fd, IOC.fsInfo, info) < 0) throw lastError("ioctl BTRFS_IOC_FS_INFO");
  const devices = Number(info.readBigUInt64LE(8));
  const { total, used } = deviceBytes(fd, Number(info.readBigUInt64LE(0)));
  const spaces = spaceInfos(fd);
  const reserve = spaces.find(({ flags }) => (flags & GLOBAL_RESERVE) !== 0n)?.total ?? 0;
  const groups = spaces.filter(({ flags }) => (flags & GLOBAL_RESERVE) === 0n).map((space) => groupOf(space, devices));
  return { groups, reserve, deviceBytes: total, unallocated: total - used, devices, nodeSize: info.readUInt32LE(32) };
}

interface SpaceInfo {
  readonly flags: bigint;
  readonly total: number;
  readonly used: number;
}

function spaceInfos(fd: number): SpaceInfo[] {
  // struct btrfs_ioctl_space_args: u64 slots, u64 found, then three u64 for each.
  const count = Buffer.alloc(16);
  if (ioctl(fd, IOC.spaceInfo, count) < 0) throw lastError("ioctl BTRFS_IOC_SPACE_INFO");
  // More may come between the two calls.
  const slots = Number(count.readBigUInt64LE(8)) + 4;
  const args = Buffer.alloc(16 + 24 * slots);
  args.writeBigUInt64LE(BigInt(slots), 0);
  if (ioctl(fd, IOC.spaceInfo, args) < 0) throw lastError("ioctl BTRFS_IOC_SPACE_INFO");
  return Array.from({ length: Number(args.readBigUInt64LE(8)) }, (_, index) => {
    const at = 16 + 24 * index;
    const [total, used] = [args.readBigUInt64LE(at + 8), args.readBigUInt64LE(at + 16)];
    return { flags: args.readBigUInt64LE(at), total: Number(total), used: Number(used) };
  });
}

function groupOf({ flags, total, used }: SpaceInfo, devices: number): SpaceGroup {
  const profile = PROFILES.find(([flag]) => (flags & flag) !== 0n);
  return { kind: kindOf(flags), profile: profile?.[1] ?? "single", copies: profile?.[2](devices) ?? 1, total, used };
}

function kindOf(flags: bigint): SpaceGroup["kind"] {
  if ((flags & TYPE.system) !== 0n) return "system";
  if ((flags & TYPE.data) === 0n) return "metadata";
  return (flags & TYPE.metadata) === 0n ? "data" : "mixed";
}

function deviceBytes(fd: number, lastId: number): { total: number; used: number } {
  // struct btrfs_ioctl_dev_info_args: u64 id, uuid, u64 used, u64 total …
  let [total, used] = [0, 0];
  for (let id = 1; id <= lastId; id++) {
    const info = Buffer.alloc(4096);
    info.writeBigUInt64LE(BigInt(id), 0);
    if (ioctl(fd, IOC.devInfo, info) < 0) {
      // Ids of devices that were taken out are not used again.
      if (lastErrno() === "ENODEV") continue;
      throw lastError("ioctl BTRFS_IOC_DEV_INFO");
    }
    used += Number(info.readBigUInt64LE(24));
    total += Number(info.readBigUInt64LE(32));
  }
  return { total, used };
}
