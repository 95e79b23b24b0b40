/** The order of pacman's versions. Source: vercmp(8). */
import { compareSegments, partsOf } from "./compare-rpm.ts";

/** Of `epoch:version-release`. Below 0 where `a` is older, above 0 where it is newer, 0 where neither is. */
export function comparePacmanVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const order = compareParts(left.epoch || "0", right.epoch || "0") || compareParts(left.version, right.version);
  if (order !== 0 || left.release === undefined || right.release === undefined) return order;
  return compareParts(left.release, right.release);
}

/** A stretch of digits or letters, with how many other characters stand before it. */
interface Segment {
  readonly gap: number;
  readonly text: string;
  /** Where it ends. */
  readonly end: number;
}

/** Unlike rpm's order, the length of what separates counts, and a word at the end makes a version older than one without. */
function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [segmentsOf(a), segmentsOf(b)];
  const common = Math.min(left.length, right.length);
  for (let at = 0; at < common; at++) {
    const [x, y] = [left[at]!, right[at]!];
    const order = x.gap - y.gap || compareSegments(x.text, y.text);
    if (order !== 0) return order;
  }
  return compareRests(restBehind(a, left[common - 1]), restBehind(b, right[common - 1]));
}

/** Where all that both have is the same. What separates is passed over only where both go on. */
function compareRests(a: string, b: string): number {
  const pass = a !== "" && b !== "";
  const [left, right] = pass ? [withoutSeparators(a), withoutSeparators(b)] : [a, b];
  if (left === "" && right === "") return 0;
  return (left === "" && !startsWithLetter(right)) || startsWithLetter(left) ? -1 : 1;
}

function segmentsOf(text: string): Segment[] {
  const found = [...text.matchAll(/([^0-9A-Za-z]*)([0-9]+|[A-Za-z]+)/g)];
  return found.map(({ 0: whole, 1: gap, 2: segment, index }) => ({
    gap: gap!.length,
    text: segment!,
    end: index + whole.length,
  }));
}

function restBehind(text: string, segment: Segment | undefined): string {
  return text.slice(segment?.end ?? 0);
}

function withoutSeparators(text: string): string {
  return text.replace(/^[^0-9A-Za-z]+/, "");
}

function startsWithLetter(text: string): boolean {
  return /^[A-Za-z]/.test(text);
}
