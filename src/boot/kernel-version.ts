/** Which of two kernel releases is the newer, by the UAPI version format (uapi-group.org/specifications/specs/version_format_specification). */

/** Negative where `a` is older than `b`, 0 where neither is newer. */
export function compareVersions(a: string, b: string): number {
  const left = piecesOf(a);
  const right = piecesOf(b);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = comparePieces(left[index], right[index]);
    if (order !== 0) return order;
  }
  return 0;
}

// Numbers, words, and the marks that have an order of their own; all else only separates.
function piecesOf(version: string): string[] {
  return version.match(/\d+|[A-Za-z]+|[~^-]/g) ?? [];
}

// `~` is older than the end, the end older than `-`, then `^`, words and numbers.
function rank(piece: string | undefined): number {
  if (piece === undefined) return 1;
  if (piece === "~") return 0;
  if (piece === "-") return 2;
  if (piece === "^") return 3;
  return /^\d/.test(piece) ? 5 : 4;
}

function comparePieces(a: string | undefined, b: string | undefined): number {
  const order = rank(a) - rank(b);
  if (order !== 0 || a === undefined || b === undefined) return order;
  if (/^\d/.test(a)) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}
