/** Copying what is in a regular file, holes as holes. */
import { throwIfCancelled } from "../../base/errors.ts";
import { copyBetween } from "../../sys/copy-between.ts";
import { dataExtents } from "../../sys/holes.ts";
import { cloneFile, truncateFd } from "../../sys/write-file.ts";

/** Between two looks whether it is to stop. */
const PIECE = 64 * 1024 * 1024;

export interface ContentCopier {
  /** Makes the empty file the same as the other, `size` bytes long. */
  copy(sourceFd: number, targetFd: number, size: number): void;
}

/** Shares blocks until the file system says that it can't. */
export function openContentCopier(sharing: boolean, signal: AbortSignal | undefined): ContentCopier {
  let canShare = sharing;
  return {
    copy: (sourceFd, targetFd, size) => {
      if (size === 0) return;
      if (canShare) {
        const result = cloneFile(targetFd, sourceFd);
        if (result === "cloned") return;
        // Refused is this pair only: one of them is marked +C, or a swapfile in use.
        if (result === "impossible") canShare = false;
      }
      copyStretches(sourceFd, targetFd, size, signal);
    },
  };
}

function copyStretches(sourceFd: number, targetFd: number, size: number, signal: AbortSignal | undefined): void {
  for (const { offset, length } of dataExtents(sourceFd, size) ?? [{ offset: 0, length: size }]) {
    for (let at = offset; at < offset + length; at += PIECE) {
      throwIfCancelled(signal);
      copyBetween(sourceFd, targetFd, { from: at, to: at, length: Math.min(PIECE, offset + length - at) });
    }
  }
  truncateFd(targetFd, size);
}
