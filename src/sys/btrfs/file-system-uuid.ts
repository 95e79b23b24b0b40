/** What names a btrfs file system. */
import { lastError } from "../native.ts";
import { IOC, ioctl } from "./ioctl.ts";

/** The UUID of the file system of the open folder, with its dashes (BTRFS_IOC_FS_INFO). Throws SystemError. */
export function btrfsUuid(fd: number): string {
  const info = Buffer.alloc(1024);
  if (ioctl(fd, IOC.fsInfo, info) < 0) throw lastError("ioctl BTRFS_IOC_FS_INFO");
  return info.toString("hex", 16, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
