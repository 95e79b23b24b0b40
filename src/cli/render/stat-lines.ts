/** How much has changed in each file, as `git diff --stat` and `--numstat` have it, and by folders. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { formatCount, formatSize } from "../../base/units.ts";
import type { FilePatch } from "../../store/diff/patch/file-patch.ts";
import { gitPath } from "./git-path.ts";

/** A change without its text, which may be long. */
export interface FileStat {
  readonly path: ByteString;
  readonly from: ByteString | undefined;
  readonly status: FilePatch["status"];
  readonly kind: FilePatch["kind"];
  /** Lines; 0 of what is no text. */
  readonly added: number;
  readonly removed: number;
  /** Bytes. */
  readonly before: number;
  readonly after: number;
}

export function fileStat({ path, from, status, kind, parts, before, after }: FilePatch): FileStat {
  const sum = (key: "added" | "removed"): number => parts.reduce((total, part) => total + part[key], 0);
  const sizes = { before: before?.size ?? 0, after: after?.size ?? 0 };
  return { path, from, status, kind, added: sum("added"), removed: sum("removed"), ...sizes };
}

/** `3	1	etc/hosts`; what is no text has `-` for numbers. */
export function numstatLine({ path, from, kind, added, removed }: FileStat): string {
  const counts = kind === "text" ? `${added}\t${removed}` : "-\t-";
  return `${counts}\t${from === undefined ? "" : `${gitPath(from)} => `}${gitPath(path)}`;
}

const WIDTH = 80;
const LONGEST_NAME = 50;

export function statLines(stats: readonly FileStat[]): string[] {
  if (stats.length === 0) return [];
  const names = stats.map(({ path, from }) =>
    shortened(from === undefined ? gitPath(path) : `${gitPath(from)} => ${gitPath(path)}`),
  );
  const nameWidth = Math.max(...names.map((name) => name.length));
  const most = Math.max(...stats.map(({ added, removed }) => added + removed));
  const countWidth = Math.max(String(most).length, stats.some(({ kind }) => kind !== "text") ? 3 : 0);
  const room = Math.max(10, WIDTH - nameWidth - countWidth - 5);
  const lines = stats.map((stat, index) =>
    ` ${names[index]!.padEnd(nameWidth)} | ${amount(stat, countWidth, room / Math.max(room, most))}`.trimEnd(),
  );
  return [...lines, ...totalLines(stats)];
}

function amount({ kind, added, removed, before, after }: FileStat, width: number, scale: number): string {
  if (kind !== "text") return `${"Bin".padStart(width)} ${before} -> ${after} bytes`;
  const signs = (sign: string, count: number): string => sign.repeat(count === 0 ? 0 : Math.max(1, Math.floor(count * scale)));
  return `${String(added + removed).padStart(width)} ${signs("+", added)}${signs("-", removed)}`;
}

function totalLines(stats: readonly FileStat[]): string[] {
  const sum = (key: "added" | "removed" | "before" | "after"): number => stats.reduce((total, stat) => total + stat[key], 0);
  const [added, removed] = [sum("added"), sum("removed")];
  const parts = [` ${stats.length} file${stats.length === 1 ? "" : "s"} changed`];
  if (added > 0 || removed === 0) parts.push(`${added} insertion${added === 1 ? "" : "s"}(+)`);
  if (removed > 0 || added === 0) parts.push(`${removed} deletion${removed === 1 ? "" : "s"}(-)`);
  return [parts.join(", "), ` ${formatSize(sum("before"))} before, ${formatSize(sum("after"))} after`];
}

/** A line for each folder down to the second level: how many files were added, removed and changed, and their bytes before and after. */
export function folderLines(stats: readonly FileStat[]): string[] {
  const groups = Map.groupBy(stats, ({ path }) => topFolder(path));
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([folder, members]) => folderRow(folder, members));
  if (groups.size > 1) rows.push(folderRow("total", stats));
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

function folderRow(folder: string, members: readonly FileStat[]): string[] {
  const of = (...letters: readonly string[]): number => members.filter(({ status }) => letters.includes(status)).length;
  const bytes = (key: "before" | "after"): string => formatSize(members.reduce((sum, member) => sum + member[key], 0));
  const counts = [
    `${formatCount(of("A"))} added`,
    `${formatCount(of("D"))} removed`,
    `${formatCount(of("M", "T", "R"))} changed`,
  ];
  return [folder, ...counts, bytes("before"), `-> ${bytes("after")}`];
}

function topFolder(path: ByteString): string {
  const folders = path.split("/").slice(0, -1).slice(0, 2).join("/");
  return `/${displayBytes(folders as ByteString)}`;
}

function shortened(name: string): string {
  return name.length <= LONGEST_NAME ? name : `...${name.slice(3 - LONGEST_NAME)}`;
}
