/** Inode flags, in the two steps that a checkout needs, and as far as the file system knows them. */
import { addFlags as add } from "../../sys/inode-flags.ts";
import type { CheckoutProgress } from "./checkout-state.ts";

export { LAST_FLAGS } from "../../sys/inode-flags.ts";

/** Adds flags to those that the file has. Where the file system refuses some, it gets the others. */
export function addFlags(fd: number, flags: number, progress: CheckoutProgress): void {
  if (!add(fd, flags)) progress.refusedFlags++;
}
