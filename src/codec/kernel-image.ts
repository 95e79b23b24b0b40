/** What a Linux kernel image says of itself, by the x86 boot protocol (Documentation/arch/x86/boot.rst). */

/** The start of a kernel image that `kernelRelease` needs, in bytes. */
export const KERNEL_HEADER_SIZE = 65536 + 512;

/**
 * The release of an x86 bzImage, such as `6.1.0-37-cloud-amd64`: the name of its modules' folder. Undefined for other
 * images, which don't tell it where it can be read.
 */
export function kernelRelease(image: Uint8Array): string | undefined {
  const buffer = Buffer.from(image.buffer, image.byteOffset, image.length);
  if (buffer.length < 0x210 || buffer.toString("latin1", 0x202, 0x206) !== "HdrS") return undefined;
  const pointer = buffer.readUInt16LE(0x20e);
  if (pointer === 0) return undefined;
  const start = pointer + 0x200;
  const end = buffer.indexOf(0, start);
  const release = /^[A-Za-z0-9_.+~-]+/.exec(buffer.toString("latin1", start, end < 0 ? start : Math.min(end, start + 256)));
  return release?.[0];
}
