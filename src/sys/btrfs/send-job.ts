/** A thread's part of sending: the call that fills the pipe returns only when the whole stream has been read. */
import { declare, lastError } from "../native.ts";
import { closeFd } from "../open.ts";
import { IOC, ioctl } from "./ioctl.ts";

export interface SendJob {
  /** Root of the read-only subvolume. */
  readonly sourceFd: number;
  readonly pipeFd: number;
  /** The id of the subvolume that the stream builds on, 0 for none. */
  readonly parentId: bigint;
  readonly withData: boolean;
  readonly version: number;
}

const allocate = declare("int64_t malloc(uint64_t)");
const release = declare("void free(int64_t)");
const fill = declare("int64_t memcpy(int64_t, void *, uint64_t)");

const NO_FILE_DATA = 1n;
const VERSION = 8n;
const ARGS_SIZE = 72;

/** Writes the stream into the pipe and closes it. Throws SystemError: EPIPE where nobody reads it any more, EPERM … */
export function sendIntoPipe({ sourceFd, pipeFd, parentId, withData, version }: SendJob): void {
  // struct btrfs_ioctl_send_args has a pointer to the ids of subvolumes whose data may be cloned: the parent's, as `btrfs send` has it.
  const sources = Number(allocate(8));
  try {
    const args = Buffer.alloc(ARGS_SIZE);
    args.writeBigInt64LE(BigInt(pipeFd), 0);
    if (parentId !== 0n) {
      const id = Buffer.alloc(8);
      id.writeBigUInt64LE(parentId);
      fill(sources, id, 8);
      args.writeBigUInt64LE(1n, 8);
      args.writeBigUInt64LE(BigInt(sources), 16);
      args.writeBigUInt64LE(parentId, 24);
    }
    args.writeBigUInt64LE((withData ? 0n : NO_FILE_DATA) | (version > 1 ? VERSION : 0n), 32);
    args.writeUInt32LE(version > 1 ? version : 0, 40);
    if (ioctl(sourceFd, IOC.send, args) < 0) throw lastError("ioctl BTRFS_IOC_SEND");
  } finally {
    release(sources);
    closeFd(pipeFd);
  }
}
