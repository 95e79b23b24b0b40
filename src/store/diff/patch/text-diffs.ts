/** Which lines differ, by the standard program: `diff -u`, run once for many pairs. */
import type { ByteString } from "../../../base/byte-string.ts";
import { bytesFromBuffer } from "../../../base/byte-string.ts";
import { makeDirs } from "../../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../../sys/open.ts";
import { withPrivateFolder } from "../../../sys/private-folder.ts";
import { runProgram } from "../../../sys/run-program.ts";

export interface TextPair {
  readonly before: Buffer;
  readonly after: Buffer;
}

export interface TextDiff {
  /** From the first `@@` on, each line ended; "" where both are the same. */
  readonly hunks: ByteString;
  /** Lines. */
  readonly added: number;
  readonly removed: number;
}

const NO_DIFF: TextDiff = { hunks: "" as ByteString, added: 0, removed: 0 };

/** One for each pair. Throws `missing-program`, `program-failed`, `cancelled`. */
export async function diffTexts(pairs: readonly TextPair[], signal: AbortSignal | undefined): Promise<TextDiff[]> {
  if (pairs.every(({ before, after }) => before.equals(after))) return pairs.map(() => NO_DIFF);
  return withPrivateFolder(async (folder) => {
    for (const side of ["a", "b"]) makeDirs(CWD, `${folder.path}/${side}`, 0o700);
    for (const [index, { before, after }] of pairs.entries()) {
      folder.write(`a/${index}`, before);
      folder.write(`b/${index}`, after);
    }
    const folderFd = openAt(CWD, folder.path, O.RDONLY | O.DIRECTORY);
    try {
      const args = ["--unified", "--text", "--recursive", "a", "b"];
      const call = { program: "diff", args, effect: "read", answers: [1], folderFd } as const;
      const { stdout } = await runProgram(signal === undefined ? call : { ...call, signal });
      const found = splitOutput(bytesFromBuffer(stdout));
      return pairs.map((_, index) => found.get(index) ?? NO_DIFF);
    } finally {
      closeFd(folderFd);
    }
  });
}

/** Only the line that begins a pair starts with a letter; all lines of hunks start with a sign. */
function splitOutput(output: ByteString): Map<number, TextDiff> {
  const found = new Map<number, TextDiff>();
  for (const part of output.split(/^diff .*\n/m).slice(1)) {
    const [, index] = /^--- a\/(\d+)\t/.exec(part)!;
    const hunks = part.slice(part.indexOf("\n@@") + 1) as ByteString;
    found.set(Number(index), { hunks, added: linesWith(hunks, "+"), removed: linesWith(hunks, "-") });
  }
  return found;
}

function linesWith(hunks: string, sign: string): number {
  let count = hunks.startsWith(sign) ? 1 : 0;
  for (let at = hunks.indexOf(`\n${sign}`); at >= 0; at = hunks.indexOf(`\n${sign}`, at + 1)) count++;
  return count;
}
