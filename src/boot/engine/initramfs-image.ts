/**
 * Looks into initramfs images: one or more cpio archives, one after the other, of which any may be compressed, the last mostly
 * (Documentation/driver-api/early-userspace/buffer-format).
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import type { ByteString } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { isCpio, readCpio } from "../../codec/cpio.ts";
import { readPackagedFile } from "../../sys/assets.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readFileAt } from "../../sys/read-file.ts";
import { runProgram } from "../../sys/run-program.ts";
import { ENGINE_PATH } from "./engine-files.ts";

/** `unreadable`: the image is damaged, or packed in a way that can't be unpacked here. */
export type EngineInImage = "current" | "other" | "absent" | "unreadable";

const MOST_UNPACKED = 2 ** 30;
const IMAGE_NAME = /^(?:initrd|initramfs)(?:[-.].*)?$/;
const NO_IMAGE = /\.(?:old|bak|dpkg-bak|tmp|new)$|kdump/;

interface Packing {
  readonly magic: readonly number[];
  unpack(bytes: Buffer): Buffer | Promise<Buffer>;
}

const PACKINGS: readonly Packing[] = [
  { magic: [0x1f, 0x8b], unpack: (bytes) => gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED }) },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: MOST_UNPACKED }) },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], unpack: byProgram("xz") },
  { magic: [0x5d, 0x00, 0x00], unpack: byProgram("xz") },
  { magic: [0x42, 0x5a, 0x68], unpack: byProgram("bzip2") },
  { magic: [0x02, 0x21, 0x4c, 0x18], unpack: byProgram("lz4") },
  { magic: [0x89, 0x4c, 0x5a, 0x4f], unpack: byProgram("lzop") },
];

/** The initramfs images in the root's /boot, such as `boot/initrd.img-6.1.0`: what boot loaders on the ESP have is not among them. */
export function initramfsImages(rootFd: number): ByteString[] {
  let fd: number;
  try {
    fd = openBeneath(rootFd, "boot" as ByteString, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
  try {
    const names = readDir(fd).map(({ name }) => name);
    const images = names.filter((name) => IMAGE_NAME.test(name) && !NO_IMAGE.test(name));
    return images.map((name) => `boot/${name}` as ByteString).toSorted();
  } finally {
    closeFd(fd);
  }
}

/** Whether the image has the engine of this very version in it. Unpacks all of it into memory: some hundred MB for a moment. */
export async function engineInImage(rootFd: number, path: ByteString): Promise<EngineInImage> {
  const fd = openBeneath(rootFd, path, O.RDONLY | O.NONBLOCK);
  try {
    const engine = await findInImage(readFileAt(fd, `/proc/self/fd/${fd}`), ENGINE_PATH);
    if (engine === undefined) return "absent";
    return engine.equals(readPackagedFile("engine/regrow-engine")) ? "current" : "other";
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "missing-program", "program-failed"].includes(error.code))
      return "unreadable";
    throw error;
  } finally {
    closeFd(fd);
  }
}

/**
 * The content of that file in an image, undefined where it has none. All is read: what comes later replaces what came before. Throws
 * `corrupt`, `missing-program`, `program-failed`.
 */
export async function findInImage(image: Buffer, path: string): Promise<Buffer | undefined> {
  let found: Buffer | undefined;
  for (let at = 0; at < image.length;) {
    if (image[at] === 0) {
      at++;
      continue;
    }
    if (!isCpio(image, at)) return (await findInImage(await unpack(image.subarray(at)), path)) ?? found;
    const members = readCpio(image, at);
    let next = members.next();
    for (; next.done !== true; next = members.next()) if (next.value.name === path) found = next.value.content;
    at = next.value;
  }
  return found;
}

async function unpack(bytes: Buffer): Promise<Buffer> {
  const packing = PACKINGS.find(({ magic }) => magic.every((byte, index) => bytes[index] === byte));
  if (packing === undefined) throw new RegrowError("corrupt", "The initramfs image is packed in a way that is not known.");
  try {
    return await packing.unpack(bytes);
  } catch (error) {
    if (error instanceof RegrowError) throw error;
    throw new RegrowError("corrupt", "The initramfs image can't be unpacked.", { cause: error });
  }
}

function byProgram(program: string): (bytes: Buffer) => Promise<Buffer> {
  return async (bytes) => (await runProgram({ program, args: ["-dc"], effect: "read" }, bytes)).stdout;
}
