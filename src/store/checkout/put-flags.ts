/** Inode flags, in the two steps that a checkout needs, and as far as the file system knows them. */
import { FLAG, getFlags, setFlags } from "../../sys/metadata.ts";
import type { CheckoutProgress } from "./checkout-state.ts";

/** These stop every later change, so they are set last of all. */
export const LAST_FLAGS = FLAG.immutable | FLAG.append;

/** Adds flags to those that the file has. Where the file system refuses some, it gets the others. */
export function addFlags(fd: number, flags: number, progress: CheckoutProgress): void {
  if (flags === 0) return;
  const before = getFlags(fd);
  if ((before & flags) === flags || setFlags(fd, before | flags)) return;
  progress.refusedFlags++;
  for (let bit = 1; bit !== 0 && bit <= flags; bit *= 2) {
    // Each by itself: what is refused now was counted above.
    if ((flags & bit) !== 0) setFlags(fd, getFlags(fd) | bit);
  }
}
