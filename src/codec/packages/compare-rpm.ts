/** The order of rpm's versions. Source: the rpm manual, "Dependencies", part "Versioning"; rpm-version(7). */
import { compareNumbers } from "./compare-dpkg.ts";

/** Of `epoch:version-release`. Below 0 where `a` is older, above 0 where it is newer, 0 where neither is. */
export function compareRpmVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const order = compareNumbers(left.epoch, right.epoch) || compareRpmParts(left.version, right.version);
  if (order !== 0) return order;
  if (left.release === undefined || right.release === undefined)
    return Number(left.release !== undefined) - Number(right.release !== undefined);
  return compareRpmParts(left.release, right.release);
}

export interface EvrParts {
  /** Digits, "" where there are none. */
  readonly epoch: string;
  readonly version: string;
  readonly release: string | undefined;
}

export function partsOf(text: string): EvrParts {
  const [, epoch = "", rest] = /^(?:([0-9]*):)?(.*)$/s.exec(text)!;
  const hyphen = rest!.lastIndexOf("-");
  return {
    epoch,
    version: hyphen < 0 ? rest! : rest!.slice(0, hyphen),
    release: hyphen < 0 ? undefined : rest!.slice(hyphen + 1),
  };
}

/** Of one part: what rpm's own library calls rpmvercmp. */
export function compareRpmParts(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [tokensOf(a), tokensOf(b)];
  for (let at = 0; ; at++) {
    const [x, y] = [left[at], right[at]];
    if (x === undefined && y === undefined) return 0;
    if (x === y) continue;
    // A tilde is older than anything, the end included; a caret is newer than the end, but older than all else.
    if (x === "~") return -1;
    if (y === "~") return 1;
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    if (x === "^") return -1;
    if (y === "^") return 1;
    const order = compareSegments(x, y);
    if (order !== 0) return order;
  }
}

/** Two stretches of digits or of letters; a number is newer than a word. */
export function compareSegments(a: string, b: string): number {
  const [isNumber, isOther] = [isDigits(a), isDigits(b)];
  if (isNumber !== isOther) return isNumber ? 1 : -1;
  if (isNumber) return compareNumbers(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function isDigits(text: string): boolean {
  return /^[0-9]/.test(text);
}

/** What separates them does not count, but for these two signs. */
function tokensOf(text: string): string[] {
  return text.match(/[0-9]+|[A-Za-z]+|[~^]/g) ?? [];
}
