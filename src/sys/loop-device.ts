/**
 * Loop devices: a stretch of a file as a block device. Each is set to clear itself at its last close, so that none is left
 * behind however the process ends.
 */
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { RegrowError, isErrno } from "../base/errors.ts";
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";
import { CWD, O, closeFd, openAt } from "./open.ts";

const ioctl = declare("int ioctl(int, uint64_t, void *)");
const ioctlNone = declare("int ioctl(int, uint64_t)");

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CONFIGURE = 0x4c0a;
const LO_FLAGS_AUTOCLEAR = 4;
const ATTEMPTS = 20;
const DETACH_MILLISECONDS = 10_000;

/** A stretch of a file, in bytes. */
export interface LoopExtent {
  readonly offset: number;
  readonly length: number;
}

export interface LoopDevice {
  /** Such as `/dev/loop3`. */
  readonly path: string;
  /** Waits until nobody else uses it, then lets it go. Throws `system` where it stays in use. */
  detach(): Promise<void>;
}

/** Makes a block device of a stretch of an open file. Linux 5.8 or newer; throws SystemError. */
export function attachLoop(fileFd: number, extent: LoopExtent): LoopDevice {
  const control = openAt(CWD, "/dev/loop-control", O.RDWR);
  try {
    for (let attempt = 1; ; attempt++) {
      failPoint("loop-configure");
      const number = ioctlNone(control, LOOP_CTL_GET_FREE);
      if (number < 0) throw lastError("ioctl LOOP_CTL_GET_FREE", "/dev/loop-control");
      const path = `/dev/loop${number}`;
      const fd = openAt(CWD, path, O.RDWR);
      if (ioctl(fd, LOOP_CONFIGURE, configuration(fileFd, extent)) === 0) return { path, detach: () => detach(fd, path) };
      const errno = lastErrno();
      const error = lastError("ioctl LOOP_CONFIGURE", path);
      closeFd(fd);
      // Another process took the free one in between.
      if (errno !== "EBUSY" || attempt === ATTEMPTS) throw error;
    }
  } finally {
    closeFd(control);
  }
}

/** The loop devices that stand on that file now, such as `/dev/loop3`. `path` must be free of links. */
export function loopDevicesOf(path: string): string[] {
  return readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop") && backingFileOf(name) === path)
    .map((name) => `/dev/${name}`);
}

async function detach(fd: number, path: string): Promise<void> {
  try {
    const deadline = Date.now() + DETACH_MILLISECONDS;
    while (!isUnused(path)) {
      if (Date.now() > deadline) throw stillInUse(path);
      await sleep(20);
    }
  } finally {
    closeFd(fd);
  }
}

// The kernel refuses an exclusive open as long as a file system on the device is mounted.
function isUnused(path: string): boolean {
  try {
    closeFd(openAt(CWD, path, O.RDONLY | O.EXCL));
    return true;
  } catch (error) {
    if (isErrno(error, "EBUSY")) return false;
    throw error;
  }
}

function stillInUse(path: string): RegrowError {
  return new RegrowError("system", `${path}: still in use, so what was written may not be complete.`, {
    path,
    hint: `\`fuser -vm ${path}\` names the process that uses it.`,
  });
}

// struct loop_config: fd, block size, struct loop_info64 (its offset and size limit at 24 and 32 bytes, its flags at 52).
function configuration(fileFd: number, extent: LoopExtent): Buffer {
  const config = Buffer.alloc(304);
  const INFO = 8;
  config.writeUInt32LE(fileFd, 0);
  config.writeUInt32LE(512, 4);
  config.writeBigUInt64LE(BigInt(extent.offset), INFO + 24);
  config.writeBigUInt64LE(BigInt(extent.length), INFO + 32);
  config.writeUInt32LE(LO_FLAGS_AUTOCLEAR, INFO + 52);
  return config;
}

function backingFileOf(name: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trimEnd();
  } catch {
    // A loop device without a file has no such attribute.
    return undefined;
  }
}
