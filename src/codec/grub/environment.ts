/**
 * GRUB's environment block (`grubenv`): 1024 bytes that GRUB itself can overwrite in place, because their number never changes.
 *
 *   # GRUB Environment Block\n      the first line, always
 *   # any further comment\n         kept
 *   NAME=VALUE\n                    in VALUE a backslash stands before a backslash and before a line feed
 *   ####…                           up to byte 1024
 */
import { RegrowError } from "../../base/errors.ts";

export const GRUB_ENVIRONMENT_SIZE = 1024;

const SIGNATURE = "# GRUB Environment Block\n";

/** One character of a text is one byte of the block (latin1), so that every value comes back as it was. */
export interface GrubEnvironment {
  /** Comment lines after the first one, without line feeds. */
  readonly comments: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

/** Throws `corrupt` where it is not such a block: another size or first line, a line without `=`, a value that isn't ended. */
export function parseGrubEnvironment(block: Uint8Array): GrubEnvironment {
  const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString("latin1");
  if (text.length !== GRUB_ENVIRONMENT_SIZE) throw broken(`has ${text.length} bytes instead of ${GRUB_ENVIRONMENT_SIZE}`);
  if (!text.startsWith(SIGNATURE)) throw broken("does not begin with its first line");
  const comments: string[] = [];
  const values = new Map<string, string>();
  for (let at = SIGNATURE.length; at < text.length;) {
    const end = endOfLine(text, at);
    const line = text.slice(at, end);
    if (/^#+$/.test(line) && end === text.length) break;
    if (end === text.length) throw broken("has a line that doesn't end");
    if (line.startsWith("#")) comments.push(line);
    else if (line !== "") values.set(...assignment(line));
    at = end + 1;
  }
  return { comments, values };
}

/** The 1024 bytes. Throws `usage` for a name that GRUB doesn't take, and `no-space` where the values don't fit. */
export function formatGrubEnvironment(environment: GrubEnvironment): Buffer {
  let text = SIGNATURE + environment.comments.map((line) => `${line}\n`).join("");
  for (const [name, value] of environment.values) {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new RegrowError("usage", `${name}: not the name of a GRUB variable.`);
    if (/[^\x01-\xff]/.test(value)) throw new RegrowError("usage", `${name}: its value has other than bytes in it.`);
    text += `${name}=${value.replace(/[\\\n]/g, "\\$&")}\n`;
  }
  if (text.length > GRUB_ENVIRONMENT_SIZE) {
    const hint = "Remove variables that nothing uses: grub-editenv FILE unset NAME.";
    throw new RegrowError(
      "no-space",
      `The GRUB environment block holds ${GRUB_ENVIRONMENT_SIZE} bytes; this one would need ${text.length}.`,
      { hint },
    );
  }
  return Buffer.from(text.padEnd(GRUB_ENVIRONMENT_SIZE, "#"), "latin1");
}

/** A copy with one variable set, or without it where the value is undefined. */
export function withGrubVariable(environment: GrubEnvironment, name: string, value: string | undefined): GrubEnvironment {
  const values = new Map(environment.values);
  if (value === undefined) values.delete(name);
  else values.set(name, value);
  return { ...environment, values };
}

/** What `grub-editenv FILE create` writes. */
export const EMPTY_GRUB_ENVIRONMENT: GrubEnvironment = { comments: [], values: new Map() };

function endOfLine(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === "\n") return at;
    if (text[at] === "\\") at++;
  }
  return text.length;
}

function assignment(line: string): [name: string, value: string] {
  const equals = line.indexOf("=");
  if (equals <= 0) throw broken("has a line without a `=`");
  return [line.slice(0, equals), line.slice(equals + 1).replace(/\\([\s\S])/g, "$1")];
}

function broken(what: string): RegrowError {
  const hint = "Make it anew: grub-editenv FILE create.";
  return new RegrowError("corrupt", `The GRUB environment block ${what}.`, { hint });
}
