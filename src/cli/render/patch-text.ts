/** A change of a file as git's patches have it; `git apply` and `patch -p1` take them. */
import { createHash } from "node:crypto";
import { type ByteString, EMPTY, bufferOf } from "../../base/byte-string.ts";
import { formatSize } from "../../base/units.ts";
import type { FilePatch } from "../../store/diff/patch/file-patch.ts";
import type { TreeView } from "../../store/diff/tree-view.ts";
import { gitPath } from "./git-path.ts";

const LINK_MODE = "120000";

type Entry = NonNullable<ReturnType<TreeView["find"]>>;

/** Bytes, each line ended; "" where nothing of it has a place in a patch. */
export function patchText(file: FilePatch): ByteString {
  const { status, path, from = path, before, after } = file;
  if (status === "T") {
    const [gone, come] = file.parts;
    const removed = { ...file, status: "D", after: undefined, parts: gone === undefined ? [] : [gone] } as const;
    const added = { ...file, status: "A", before: undefined, parts: come === undefined ? [] : [come] } as const;
    return (patchText(removed) + patchText(added)) as ByteString;
  }
  const header = headerLines(file);
  if (header.length === 0 && !file.differs) return EMPTY;
  const names = { old: gitPath(from, "a/"), new: gitPath(path, "b/") };
  const lines = [`diff --git ${names.old} ${names.new}`, ...header];
  const oldName = before === undefined ? "/dev/null" : names.old;
  const newName = after === undefined ? "/dev/null" : names.new;
  if (file.kind !== "text" && status !== "R") lines.push(unshown(file, oldName, newName));
  const hunks = file.parts[0]?.hunks ?? "";
  if (hunks !== "") lines.push(`--- ${ended(oldName)}`, `+++ ${ended(newName)}`);
  return `${lines.join("\n")}\n${hunks}` as ByteString;
}

function headerLines({ status, path, from = path, before, after }: FilePatch): string[] {
  // A file that is empty has no hunks; this line tells that it is.
  const none = "0".repeat(10);
  if (status === "A")
    return [`new file mode ${modeText(after!)}`, ...(isEmpty(after!) ? [`index ${none}..${blobName(EMPTY)}`] : [])];
  if (status === "D")
    return [`deleted file mode ${modeText(before!)}`, ...(isEmpty(before!) ? [`index ${blobName(EMPTY)}..${none}`] : [])];
  if (status === "R") return ["similarity index 100%", `rename from ${gitPath(from)}`, `rename to ${gitPath(path)}`];
  const lines: string[] = [];
  if (before!.mode !== after!.mode) lines.push(`old mode ${modeText(before!)}`, `new mode ${modeText(after!)}`);
  if (ownerText(before!) !== ownerText(after!)) lines.push(`old owner ${ownerText(before!)}`, `new owner ${ownerText(after!)}`);
  // By this line programs know that what the hunks say is the target of a link.
  if (modeText(after!) === LINK_MODE && before!.target !== after!.target)
    lines.push(`index ${blobName(before!.target)}..${blobName(after!.target)} ${LINK_MODE}`);
  return lines;
}

function isEmpty({ size, target }: Entry): boolean {
  return size === 0 && target === "";
}

/** As git names a content. */
function blobName(content: ByteString): string {
  const data = bufferOf(content);
  return createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex").slice(0, 10);
}

/** With all permissions, of which git keeps only one. */
function modeText({ mode }: Entry): string {
  return (mode & 0o170000) === 0o120000 ? LINK_MODE : mode.toString(8).padStart(6, "0");
}

function ownerText({ uid, gid }: Entry): string {
  return `${uid}:${gid}`;
}

function unshown({ kind, before, after }: FilePatch, oldName: string, newName: string): string {
  if (kind === "binary") return `Binary files ${oldName} and ${newName} differ`;
  return `Large files ${oldName} (${formatSize(before?.size ?? 0)}) and ${newName} (${formatSize(after?.size ?? 0)}) differ`;
}

/** Where a name has a space, a tab tells its end. */
function ended(name: string): string {
  return name.includes(" ") && !name.startsWith('"') ? `${name}\t` : name;
}
