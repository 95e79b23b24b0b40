/**
 * Sending a read-only subvolume by ioctl: it needs an open folder only, so it works on mounts without a name too. Needs root. The call
 * returns only when the whole stream has been read from the pipe that it fills, so another thread makes it.
 */
import { Socket } from "node:net";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { declare, declareAsync } from "../native.ts";
import { closeFd } from "../open.ts";
import { makePipe } from "../pipe.ts";
import { IOC } from "./ioctl.ts";
import { subvolumeIdOf } from "./list-subvolumes.ts";
import { isReadOnlySubvolume } from "./subvolumes.ts";

const allocate = declare("int64_t malloc(uint64_t)");
const release = declare("void free(int64_t)");
const fill = declare("int64_t memcpy(int64_t, void *, uint64_t)");
const ioctl = declareAsync("ioctl BTRFS_IOC_SEND", "int ioctl(int, uint64_t, void *)");

const NO_FILE_DATA = 1n;
const VERSION = 8n;
const ARGS_SIZE = 72;

export interface SendRequest {
  /** Root of the subvolume, as the next one. */
  readonly sourceFd: number;
  /** What the receiver has already. */
  readonly parentFd?: number | undefined;
  /** False: the stream tells which bytes changed, and not what they are. */
  readonly withData: boolean;
  readonly version: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The stream, piece by piece, as fast as it is read. Throws `unsupported` where one of the two is no read-only subvolume, `cancelled`,
 * SystemError.
 */
export async function* sendSubvolume(request: SendRequest): AsyncGenerator<Buffer, void, undefined> {
  const { sourceFd, parentFd, signal } = request;
  throwIfCancelled(signal);
  for (const fd of parentFd === undefined ? [sourceFd] : [sourceFd, parentFd]) refuseWritable(fd);
  const { readFd, writeFd } = makePipe();
  const reading = new Socket({ fd: readFd, readable: true, writable: false });
  const onAbort = (): unknown => reading.destroy();
  signal?.addEventListener("abort", onAbort, { once: true });
  const sending = sendIntoPipe(request, writeFd);
  // Heard below; until then it is not forgotten.
  sending.catch(() => {});
  try {
    for await (const piece of reading) yield piece as Buffer;
    throwIfCancelled(signal);
    await sending;
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // With nobody to read, the call in the thread ends.
    reading.destroy();
    await sending.catch(() => {});
  }
}

/** Writes the stream into the pipe and closes it. Throws SystemError: EPIPE where nobody reads it any more, EPERM … */
async function sendIntoPipe({ sourceFd, parentFd, withData, version }: SendRequest, pipeFd: number): Promise<void> {
  // struct btrfs_ioctl_send_args has a pointer to the ids of subvolumes whose data may be cloned: the parent's, as `btrfs send` has it.
  const sources = Number(allocate(8));
  try {
    const args = Buffer.alloc(ARGS_SIZE);
    args.writeBigInt64LE(BigInt(pipeFd), 0);
    if (parentFd !== undefined) {
      const id = Buffer.alloc(8);
      id.writeBigUInt64LE(subvolumeIdOf(parentFd));
      fill(sources, id, 8);
      args.writeBigUInt64LE(1n, 8);
      args.writeBigUInt64LE(BigInt(sources), 16);
      id.copy(args, 24);
    }
    args.writeBigUInt64LE((withData ? 0n : NO_FILE_DATA) | (version > 1 ? VERSION : 0n), 32);
    args.writeUInt32LE(version > 1 ? version : 0, 40);
    await ioctl(sourceFd, IOC.send, args);
  } finally {
    release(sources);
    closeFd(pipeFd);
  }
}

function refuseWritable(fd: number): void {
  if (isReadOnlySubvolume(fd)) return;
  throw new RegrowError("unsupported", "A subvolume that can still be written to can't be sent.", {
    hint: "Take a read-only snapshot of it, and send that.",
  });
}
