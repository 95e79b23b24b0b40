/**
 * File names are bytes. A ByteString holds them in a JavaScript string of which each character is one byte (0–255):
 * it compares and sorts bytewise, works as a key of a Map, and costs a byte a character; a Buffer does none of that.
 * The brand keeps such a string from being printed or mixed with text by accident.
 */
declare const brand: unique symbol;
export type ByteString = string & { readonly [brand]: "bytes" };

export const EMPTY = "" as ByteString;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

export function bytesOf(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1") as ByteString;
}

export function bytesFromBuffer(buffer: Uint8Array, start = 0, end = buffer.length): ByteString {
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length).toString("latin1", start, end) as ByteString;
}

export function bufferOf(bytes: ByteString): Buffer {
  return Buffer.from(bytes, "latin1");
}

/** Joins path pieces with `/`; an empty piece adds nothing. */
export function joinBytes(parent: ByteString, name: ByteString): ByteString {
  return (parent === "" ? name : name === "" ? parent : `${parent}/${name}`) as ByteString;
}

/** Whether the bytes are well-formed UTF-8: what OSTree demands of a file name. */
export function isUtf8(bytes: ByteString): boolean {
  if (!/[\x80-\xff]/.test(bytes)) return true;
  try {
    UTF8.decode(bufferOf(bytes));
    return true;
  } catch {
    return false;
  }
}

/** For people: control characters, backslashes and bytes that are not UTF-8 appear as `\xNN`. */
export function displayBytes(bytes: ByteString): string {
  const plain = isUtf8(bytes) ? bufferOf(bytes).toString("utf8") : bytes;
  const unsafe = isUtf8(bytes) ? /[\u0000-\u001f\u007f-\u009f\\\u202a-\u202e\u2066-\u2069]/g : /[^\x20-\x5b\x5d-\x7e]/g;
  return plain.replace(unsafe, (character) => escapeCharacter(character));
}

function escapeCharacter(character: string): string {
  if (character === "\\") return "\\\\";
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  const code = character.charCodeAt(0);
  return code > 0xff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\x${code.toString(16).padStart(2, "0")}`;
}
