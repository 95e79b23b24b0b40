/** Receiving a stream by the program that is made for it. */
import { once } from "node:events";
import type { ByteString } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { renameSubvolume } from "../../codec/btrfs-send/rename-subvolume.ts";
import { subvolumeInfo } from "../../sys/btrfs.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { readLinkAt } from "../../sys/read-file.ts";
import { startProgram } from "../../sys/run-program.ts";
import { sameFile, statFd, tryStatAt } from "../../sys/stat.ts";

/**
 * Makes the snapshot `name` in the folder from a stream of one subvolume. What is there after a failure is for the caller to remove.
 * Throws what reading streams throws, `program-failed`, `no-space`, `missing-program`, `cancelled`, `unsupported` on a mount without a
 * path.
 */
export async function receiveInto(
  folderFd: number,
  name: ByteString,
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  refuseWithoutPath(folderFd);
  // What the stream does to the subvolume the program does by path; confined to the subvolume it could not find a parent elsewhere.
  const running = startProgram({
    program: "btrfs",
    args: ["-q", "receive", "."],
    effect: "change",
    folderFd,
    ...(signal === undefined ? {} : { signal }),
  });
  running.stdout.resume();
  const ended = running.finished.then(
    () => "ended" as const,
    () => "ended" as const,
  );
  let failure: unknown;
  const pieces = renameSubvolume(stream, name);
  try {
    for (;;) {
      // Also where the program has ended, and nothing more comes.
      const next = await Promise.race([pieces.next(), ended]);
      if (next === "ended" || next.done === true) break;
      if (!running.stdin.write(next.value)) await Promise.race([once(running.stdin, "drain").catch(() => ended), ended]);
    }
    running.stdin.end();
  } catch (error) {
    failure = error;
    running.kill();
  }
  try {
    await running.finished;
  } catch (error) {
    throw failure ?? error;
  }
  if (failure !== undefined) throw failure;
  refuseWritable(folderFd, name);
}

/** The program looks its folder up by path, and would find the root of this machine. */
function refuseWithoutPath(folderFd: number): void {
  const path = readLinkAt(CWD, `/proc/self/fd/${folderFd}`);
  const found = tryStatAt(CWD, path);
  if (found !== undefined && sameFile(found, statFd(folderFd))) return;
  throw new RegrowError("unsupported", "A stream can't be received on a file system that is mounted without a path.", {
    hint: "Mount it under a name.",
  });
}

/** A stream without its last command leaves one behind without a word. */
function refuseWritable(folderFd: number, name: ByteString): void {
  const fd = openAt(folderFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    if (subvolumeInfo(fd)?.isReadOnly !== true) throw new RegrowError("corrupt", "The stream has made no complete snapshot.");
  } finally {
    closeFd(fd);
  }
}
