/** Variables of the firmware, as efivarfs shows them: four bytes of attributes, then the value. */
import { bytesOf } from "../base/byte-string.ts";
import { tryReadFileAt } from "./read-file.ts";
import { CWD } from "./open.ts";

/** What systemd-boot and its like keep theirs under (https://systemd.io/BOOT_LOADER_INTERFACE). */
export const LOADER_VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
const FOLDER = "/sys/firmware/efi/efivars";
const LARGEST = 64 * 1024;

/** A variable that is text; undefined where there is none, or no such firmware. Throws SystemError where it may not be read. */
export function readEfiText(name: string, vendor = LOADER_VENDOR): string | undefined {
  const data = tryReadFileAt(CWD, bytesOf(`${FOLDER}/${name}-${vendor}`), LARGEST);
  return data?.subarray(4).toString("utf16le").replace(/\0+$/, "");
}
