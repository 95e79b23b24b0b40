/** Bash breaks words at `=` and `:`, so that `--repo=x` arrives as three. */

export interface JoinedWords {
  readonly words: readonly string[];
  /** How many characters of the last word bash takes for words of their own. */
  readonly cut: number;
}

const BREAKS = new Set(["=", ":"]);

export function joinBashWords(given: readonly string[]): JoinedWords {
  const words: string[] = [];
  let cut = 0;
  let joinNext = false;
  for (const word of given) {
    const isBreak = BREAKS.has(word);
    if ((isBreak || joinNext) && words.length > 0) {
      const before = words.pop()!;
      words.push(before + word);
      cut = isBreak ? before.length + word.length : before.length;
    } else {
      words.push(word);
      cut = 0;
    }
    joinNext = isBreak;
  }
  return { words, cut };
}
