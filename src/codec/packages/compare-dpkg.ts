/** The order of Debian's versions. Source: Debian Policy, "Version"; deb-version(7). */

/** Below 0 where `a` is older, above 0 where it is newer, 0 where neither is. */
export function compareDpkgVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  return (
    compareNumbers(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

interface Parts {
  readonly epoch: string;
  readonly upstream: string;
  /** Without one it counts as 0, which is what an empty text is too. */
  readonly revision: string;
}

function partsOf(version: string): Parts {
  const colon = version.indexOf(":");
  const rest = version.slice(colon + 1);
  const hyphen = rest.lastIndexOf("-");
  return {
    epoch: version.slice(0, Math.max(0, colon)),
    upstream: hyphen < 0 ? rest : rest.slice(0, hyphen),
    revision: hyphen < 0 ? "" : rest.slice(hyphen + 1),
  };
}

/** Stretches without digits and numbers take turns. */
function compareParts(a: string, b: string): number {
  const [left, right] = [stretchesOf(a), stretchesOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const compare = at % 2 === 0 ? compareTexts : compareNumbers;
    const order = compare(left[at] ?? "", right[at] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

/** `1.0a` → "", 1, ".", 0, "a" */
function stretchesOf(text: string): string[] {
  return text.split(/([0-9]+)/);
}

function compareTexts(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const order = weightOf(a, at) - weightOf(b, at);
    if (order !== 0) return order;
  }
  return 0;
}

/** A tilde comes before the end, letters before all else. */
function weightOf(text: string, at: number): number {
  const character = text[at];
  if (character === undefined) return 0;
  if (character === "~") return -1;
  return character.charCodeAt(0) + (/[A-Za-z]/.test(character) ? 0 : 256);
}

/** Digits of any count; none is 0. */
export function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}
