/** /proc/PID/mountinfo, as proc(5) describes it: what is mounted where. */
import type { ByteString } from "../base/byte-string.ts";

export interface MountEntry {
  readonly id: number;
  /** The folder of the file system that is mounted, such as `/` or a subvolume's path. */
  readonly root: ByteString;
  readonly mountPoint: ByteString;
  readonly options: readonly string[];
  readonly type: string;
  /** A device's path for file systems on devices. */
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** In the order of mounting. Lines that are none are left out. */
export function parseMountTable(text: string): MountEntry[] {
  return text.split("\n").flatMap((line) => {
    const [before, after] = line.split(" - ");
    const fields = before?.split(" ") ?? [];
    const [type, source, superOptions] = after?.split(" ") ?? [];
    if (fields.length < 6 || type === undefined || source === undefined) return [];
    return [
      {
        id: Number(fields[0]),
        root: unescape(fields[3]!),
        mountPoint: unescape(fields[4]!),
        options: fields[5]!.split(","),
        type,
        source: unescape(source),
        superOptions: superOptions?.split(",") ?? [],
      },
    ];
  });
}

/** The mount that holds `path`: of those above it the lowest, and of several there the last. `path` is absolute and without links. */
export function mountOf(table: readonly MountEntry[], path: string): MountEntry | undefined {
  let found: MountEntry | undefined;
  for (const entry of table) {
    if (isAtOrBelow(path, entry.mountPoint) && entry.mountPoint.length >= (found?.mountPoint.length ?? 0)) found = entry;
  }
  return found;
}

/** What is mounted below the folder, with the path from there; a later mount on the same place hides the earlier one. */
export function mountsBelow(table: readonly MountEntry[], folder: string): Map<ByteString, MountEntry> {
  const found = new Map<ByteString, MountEntry>();
  const start = folder === "/" ? "/" : `${folder}/`;
  for (const entry of table) {
    if (entry.mountPoint !== folder && entry.mountPoint.startsWith(start))
      found.set(entry.mountPoint.slice(start.length) as ByteString, entry);
  }
  return found;
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}

function unescape(field: string): ByteString {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as ByteString;
}
