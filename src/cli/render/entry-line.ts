/** An entry of a commit's tree as `ls` prints it, in ostree's form. */
import { type ByteString, bufferOf, displayBytes } from "../../base/byte-string.ts";
import { formatVariant } from "../../codec/gvariant/format.ts";
import type { XattrRecord } from "../../codec/ostree/xattrs.ts";
import type { ListedEntry } from "../../store/list-tree.ts";
import { jsonPath } from "./json-values.ts";

export interface EntryLineOptions {
  readonly checksums: boolean;
  readonly xattrs: boolean;
}

const LETTERS: Record<number, string> = {
  0o100000: "-",
  0o040000: "d",
  0o120000: "l",
  0o020000: "c",
  0o060000: "b",
  0o010000: "p",
};
const TYPE_NAMES: Record<string, string> = { "-": "file", d: "dir", l: "link", c: "char", b: "block", p: "fifo" };

/** `-00644 0 0   1234 [checksum] [{ xattrs }] /path [-> target]`; a device node has its numbers in place of a size. */
export function entryLine(entry: ListedEntry, { checksums, xattrs }: EntryLineOptions): string {
  const { mode, uid, gid, target, path } = entry;
  const pieces = [
    `${letterOf(mode)}${(mode & 0o7777).toString(8).padStart(5, "0")} ${uid} ${gid} ${sizeText(entry).padStart(6)} `,
  ];
  if (checksums) pieces.push(`${checksumText(entry)} `);
  if (xattrs) pieces.push(`{ ${xattrsText(entry.xattrs)} } `);
  pieces.push(`/${displayBytes(path)}`);
  if (target !== "") pieces.push(` -> ${displayBytes(target)}`);
  return pieces.join("");
}

export function entryJson(entry: ListedEntry): Record<string, unknown> {
  const { path, mode, uid, gid, size, target, xattrs, checksum, metaChecksum, device, record } = entry;
  const { time, flags, linkTo, data } = record ?? {};
  return {
    ...jsonPath(`/${path}` as ByteString),
    type: TYPE_NAMES[letterOf(mode)],
    mode: (mode & 0o7777).toString(8).padStart(4, "0"),
    uid,
    gid,
    size,
    target: target === "" ? undefined : jsonPath(target).path,
    targetBase64: target === "" ? undefined : jsonPath(target).pathBase64,
    checksum,
    metaChecksum,
    device: device?.join(":"),
    xattrs:
      xattrs.length === 0
        ? undefined
        : Object.fromEntries(xattrs.map(({ name, value }) => [displayBytes(name), value.toString("base64")])),
    time: time === undefined ? undefined : `${time.seconds}.${String(time.nanoseconds).padStart(9, "0")}`,
    flags,
    linkTo: linkTo === undefined ? undefined : `/${displayBytes(linkTo)}`,
    data: data?.map(({ offset, length }) => [offset, length]),
  };
}

function letterOf(mode: number): string {
  return LETTERS[mode & 0o170000] ?? "?";
}

function sizeText({ size, device, mode }: ListedEntry): string {
  return device !== undefined && letterOf(mode) !== "p" ? device.join(",") : String(size);
}

function checksumText({ checksum, metaChecksum }: ListedEntry): string {
  if (checksum === undefined) return "-".padEnd(64);
  return metaChecksum === undefined ? checksum : `${checksum} ${metaChecksum}`;
}

function xattrsText(xattrs: readonly XattrRecord[]): string {
  const value = xattrs.map(({ name, value: bytes }) => [Buffer.concat([bufferOf(name), Buffer.alloc(1)]), bytes]);
  return formatVariant({ type: "a(ayay)", value });
}
