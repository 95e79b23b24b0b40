/** Looking at swap areas without touching them. */
import { bytesOf } from "../base/byte-string.ts";
import { LARGEST_SWAP_PAGE, swapState } from "../codec/swap-header.ts";
import { closeFd, openAt, CWD, O, openInRoot } from "./open.ts";
import { readAt } from "./read-file.ts";

/** Of a device of this machine. Throws SystemError. */
export function swapStateOfDevice(path: string): ReturnType<typeof swapState> {
  return readState(openAt(CWD, bytesOf(path), O.RDONLY | O.NONBLOCK));
}

/** Of a file in the root that is open as `rootFd`. Throws SystemError. */
export function swapStateOfFile(rootFd: number, path: string): ReturnType<typeof swapState> {
  return readState(openInRoot(rootFd, bytesOf(path), O.RDONLY | O.NONBLOCK));
}

function readState(fd: number): ReturnType<typeof swapState> {
  try {
    const start = Buffer.alloc(LARGEST_SWAP_PAGE);
    return swapState(start.subarray(0, readAt(fd, start, 0, start.length, 0)));
  } finally {
    closeFd(fd);
  }
}
