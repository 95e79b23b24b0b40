/**
 * The kernel's send streams (BTRFS_IOC_SEND, linux/btrfs.h), without a program: it wants paths of mounts that have names. Needs
 * CAP_SYS_ADMIN.
 */
import { createReadStream } from "node:fs";
import { declare, declareAsync, lastError } from "./native.ts";
import { O, closeFd } from "./open.ts";

const pipe2 = declare("int pipe2(void *, int)");
const ioctl = declareAsync("ioctl BTRFS_IOC_SEND", "int ioctl(int, uint64_t, void *)");

const SEND = 0x40489426n;
const ARGS_SIZE = 72;
const FLAG_NO_FILE_DATA = 0x1n;
const FLAG_VERSION = 0x8n;

export interface SendRequest {
  /** The root of a read-only subvolume. It stays open until `finished`. */
  readonly fd: number;
  /** The id of a related read-only subvolume, for what has changed since. */
  readonly parentId?: bigint | undefined;
  /** Leaves out what files hold. */
  readonly noData: boolean;
  /** Of the format, as far as the kernel knows it. */
  readonly version: number;
}

export interface Sending {
  readonly stream: AsyncIterable<Buffer>;
  /** Fails with SystemError. To be awaited when `stream` has ended. */
  readonly finished: Promise<void>;
  /** Ends both; what was not read is lost. */
  stop(): void;
}

export function startSend({ fd, parentId, noData, version }: SendRequest): Sending {
  const ends = Buffer.alloc(8);
  if (pipe2(ends, O.CLOEXEC) < 0) throw lastError("pipe2");
  const [readEnd, writeEnd] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  const args = Buffer.alloc(ARGS_SIZE);
  args.writeBigInt64LE(BigInt(writeEnd), 0);
  args.writeBigUInt64LE(parentId ?? 0n, 24);
  args.writeBigUInt64LE((noData ? FLAG_NO_FILE_DATA : 0n) | (version > 1 ? FLAG_VERSION : 0n), 32);
  args.writeUInt32LE(version > 1 ? version : 0, 40);
  const stream = createReadStream("", { fd: readEnd });
  const finished = ioctl(fd, SEND, args).then(
    () => closeFd(writeEnd),
    (error: unknown) => {
      closeFd(writeEnd);
      throw error;
    },
  );
  // It may fail before anybody looks.
  finished.catch(() => {});
  return { stream: stream as AsyncIterable<Buffer>, finished, stop: () => stream.destroy() };
}
