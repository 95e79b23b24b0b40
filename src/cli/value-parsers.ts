/** Texts of the command line as values. Each throws `usage`. */
import { RegrowError } from "../base/errors.ts";

/** A whole number from 0 on. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new RegrowError("usage", `${text}: not a whole number.`);
}

/** A user or group by number. */
export function parseId(text: string): number {
  const value = parseCount(text);
  if (value < 0xffffffff) return value;
  throw new RegrowError("usage", `${text}: too large for a user or group.`);
}

/** Seconds since 1970 from `@1700000000`, `2026-01-02`, or an ISO 8601 date and time; without a zone that of this machine. */
export function parseTime(text: string): number {
  const seconds = /^@(-?\d+)$/.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds);
  const milliseconds = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(milliseconds)) return Math.floor(milliseconds / 1000);
  throw new RegrowError("usage", `${text}: not a time.`, { hint: "Write it like 2026-01-31T12:00:00Z or @1767225600." });
}

/** `KEY=VALUE`; the value may be empty and may hold further equals signs. */
export function parsePair(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new RegrowError("usage", `${text}: not KEY=VALUE.`);
}

/** One of the given words. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word !== undefined) return word;
    throw new RegrowError("usage", `${text}: is none of ${words.join(", ")}.`);
  };
}
