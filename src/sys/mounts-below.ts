/** What is mounted inside a folder, as this process sees it. */
import { bytesFromBuffer, type ByteString } from "../base/byte-string.ts";
import { CWD, O, closeFd, openAt } from "./open.ts";
import { readLinkAt, readNext } from "./read-file.ts";
import { sameFile, statFd, tryStatAt } from "./stat.ts";

/** The mount points at or below the open folder, from /proc/self/mountinfo; none where the folder has no path. Throws SystemError. */
export function mountsBelow(fd: number): ByteString[] {
  const path = readLinkAt(CWD, `/proc/self/fd/${fd}`);
  const found = tryStatAt(CWD, path);
  // On a mount without a name the link reads as if it began at the root of this machine.
  if (found === undefined || !sameFile(found, statFd(fd))) return [];
  const own = mountIdOf(fd);
  return parseMountInfo(readKernelText("/proc/self/mountinfo"))
    .filter(({ id, point }) => id !== own && (point === path || point.startsWith(path === "/" ? "/" : `${path}/`)))
    .map(({ point }) => point);
}

interface MountLine {
  readonly id: string;
  readonly point: ByteString;
}

/** Lines of `id parent device root point …`, in which blanks and the like are octal (proc_pid_mountinfo(5)). */
export function parseMountInfo(text: ByteString): MountLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const fields = line.split(" ");
      const point = fields[4]!.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
      return { id: fields[0]!, point: point as ByteString };
    });
}

function mountIdOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readKernelText(`/proc/self/fdinfo/${fd}`))?.[1];
}

/** A file that the kernel makes up as it is read, and of which nobody knows the size before. */
function readKernelText(path: string): ByteString {
  const fd = openAt(CWD, path, O.RDONLY);
  try {
    const pieces: Buffer[] = [];
    for (;;) {
      const piece = Buffer.allocUnsafe(64 * 1024);
      const count = readNext(fd, piece);
      if (count === 0) return bytesFromBuffer(Buffer.concat(pieces));
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    closeFd(fd);
  }
}
