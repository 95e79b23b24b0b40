/** The first page of a swap area: its last ten bytes say what it is (linux: include/linux/swap.h, kernel/power/swap.c). */

/** What the kernel and the tools for hibernation leave there as long as a hibernated system waits to be resumed. */
const HIBERNATED = ["S1SUSPEND\0", "S2SUSPEND\0", "ULSUSPEND\0", "LINHIB0001"];
const SIGNATURE_BYTES = 10;
/** Of the processors that Linux runs on. */
const PAGE_SIZES = [4096, 16384, 65536];

export const LARGEST_SWAP_PAGE = 65536;

/** `start`: the first 64 KiB, or less where the area is smaller. Undefined where it is no swap area. */
export function swapState(start: Uint8Array): "swap" | "hibernated" | undefined {
  for (const size of PAGE_SIZES) {
    if (start.length < size) break;
    const signature = Buffer.from(start.subarray(size - SIGNATURE_BYTES, size)).toString("latin1");
    if (HIBERNATED.includes(signature)) return "hibernated";
    if (signature === "SWAPSPACE2" || signature === "SWAP-SPACE") return "swap";
  }
  return undefined;
}
