/** Asking before something that can't be taken back. A question that nobody can answer means stop. */
import process from "node:process";
import { RegrowError } from "../base/errors.ts";

export interface ConfirmOptions {
  /** --yes */
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/** Returns where the answer is yes; else throws `refused`. */
export async function confirm(question: string, { yes, signal }: ConfirmOptions): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new RegrowError("refused", `${question} Nobody is there to answer.`, { hint: "Give --yes to answer yes." });
  }
  const answer = await ask(`${question} [y/N] `, signal);
  if (!/^y(es)?$/i.test(answer.trim())) throw new RegrowError("refused", "Declined: nothing was changed.");
}

/** The line that is typed; nothing where the terminal is at its end (Ctrl-D). */
async function ask(text: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline");
  process.stderr.write(text);
  // Without an output of its own, so that the terminal stays as it is and Ctrl-C is a signal as everywhere.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    return await new Promise((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("close", () => resolve(""));
      signal.addEventListener("abort", () => reject(new RegrowError("cancelled", "Cancelled.")));
    });
  } finally {
    lines.close();
  }
}
