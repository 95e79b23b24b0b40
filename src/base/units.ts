/** Sizes and times, as people write and read them. */
import { RegrowError } from "./errors.ts";

const SUFFIXES: Record<string, number> = {
  "": 1,
  B: 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/**
 * Bytes from `512M`, `20GiB`, `1.5T`, `100MB`: a bare or `iB` suffix counts in 1024, `KB`, `MB` … in 1000.
 * Throws `usage` on anything else.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTB]?|[KMGT]B|[KMGT]iB)$/i.exec(text.trim());
  const factor = match && SUFFIXES[match[2]!.toUpperCase().replace("IB", "")];
  if (!match || factor === null || factor === undefined) {
    throw new RegrowError("usage", `${text}: not a size.`, { hint: "Write it like 512M, 20G or 1.5T." });
  }
  return Math.round(Number(match[1]) * factor);
}

/** `1.4 GB`, with 1000 as the base, as disks are sold. */
export function formatSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `420 ms`, `3.2 s`, `2 min 5 s`, `3 h 10 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Grouped by thousands: `14,600`. By hand, because who first asks for a locale waits 25 ms until they are loaded. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
