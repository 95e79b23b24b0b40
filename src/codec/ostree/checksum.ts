/** SHA-256 checksums as OSTree writes them: 64 lower-case hexadecimal digits. */
import { hash } from "node:crypto";
import { RegrowError } from "../../base/errors.ts";

declare const brand: unique symbol;
export type Checksum = string & { readonly [brand]: "checksum" };

const PATTERN = /^[0-9a-f]{64}$/;

export function checksumOf(data: Uint8Array): Checksum {
  return hash("sha256", data, "hex") as Checksum;
}

export function isChecksum(text: string): text is Checksum {
  return PATTERN.test(text);
}

/** Throws `corrupt` where the text is no checksum. */
export function parseChecksum(text: string): Checksum {
  if (!isChecksum(text)) throw new RegrowError("corrupt", `${JSON.stringify(text.slice(0, 80))} is not a checksum.`);
  return text;
}

/** From its 32 raw bytes. Throws `corrupt` for another length. */
export function checksumFromRaw(raw: Buffer): Checksum {
  if (raw.length !== 32) throw new RegrowError("corrupt", `A checksum has ${raw.length} bytes in place of 32.`);
  return raw.toString("hex") as Checksum;
}

export function rawChecksum(checksum: Checksum): Buffer {
  return Buffer.from(checksum, "hex");
}
