/** A commit as `log` and `show` print it. */
import { type Checksum, checksumOf, rawChecksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { mergeParentOf } from "../../store/parents.ts";
import { safeText } from "./safe-text.ts";
import { jsonValue } from "./json-values.ts";

export interface ShownCommit {
  readonly checksum: Checksum;
  readonly commit: Commit;
  /** Branches and tags that name it. */
  readonly names: readonly string[];
}

/** Several lines, in ostree's order. */
export function commitLines({ checksum, commit, names }: ShownCommit): string[] {
  const { parent, timestamp, subject, body } = commit;
  const merged = mergeParentOf(commit);
  return [
    `commit ${checksum}${names.length > 0 ? `  (${names.join(", ")})` : ""}`,
    ...(parent === undefined ? [] : [`Parent:  ${parent}`]),
    ...(merged === undefined ? [] : [`Merged:  ${merged}`]),
    `ContentChecksum:  ${contentChecksum(commit)}`,
    `Date:  ${formatTime(timestamp)}`,
    "",
    ...indented(subject === "" ? "(no subject)" : subject),
    ...(body === "" ? [] : ["", ...indented(body)]),
  ];
}

/** `1a2b3c4d5e  2026-01-02 03:04  subject  (main)` */
export function commitLine({ checksum, commit, names }: ShownCommit): string {
  const marks = names.length > 0 ? `  (${names.join(", ")})` : "";
  return `${checksum.slice(0, 10)}  ${formatTime(commit.timestamp).slice(0, 16)}  ${safeText(commit.subject)}${marks}`;
}

export function commitJson({ checksum, commit, names }: ShownCommit): Record<string, unknown> {
  const { parent, timestamp, subject, body, tree, meta, metadata } = commit;
  return {
    commit: checksum,
    parent: parent ?? null,
    mergeParent: mergeParentOf(commit),
    contentChecksum: contentChecksum(commit),
    tree,
    meta,
    timestamp,
    subject,
    body,
    refs: names,
    metadata: Object.fromEntries(metadata.map(([key, { value }]) => [key, jsonValue(value)])),
  };
}

/** What ostree calls so: a digest of the tree alone, equal where two commits hold the same. */
export function contentChecksum({ tree, meta }: Commit): Checksum {
  return checksumOf(Buffer.concat([rawChecksum(tree), rawChecksum(meta)]));
}

/** `2026-01-02 03:04:05 +0100`, in the time zone of this machine. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `@${seconds}`;
  const two = (value: number): string => String(value).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${safeText(line)}`));
}
