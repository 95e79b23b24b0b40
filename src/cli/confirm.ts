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

async function ask(text: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(text, { signal });
  } catch (cause) {
    throw signal.aborted ? new RegrowError("cancelled", "Cancelled.", { cause }) : cause;
  } finally {
    terminal.close();
  }
}
