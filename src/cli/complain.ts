/** Errors as a person reads them: what failed and why, then what to do; with --json one object; with --verbose the causes. */
import process from "node:process";
import { RegrowError } from "../base/errors.ts";
import { EXIT, type ExitCode } from "../base/exit-codes.ts";

export interface Manner {
  readonly json: boolean;
  readonly verbose: boolean;
}

/** Writes the error to stderr and returns its exit code. */
export function complain(error: unknown, { json, verbose }: Manner): ExitCode {
  const exitCode = error instanceof RegrowError ? error.exitCode : EXIT.failure;
  process.stderr.write(`${json ? jsonLine(error, exitCode) : textLines(error, verbose).join("\n")}\n`);
  return exitCode;
}

function textLines(error: unknown, verbose: boolean): string[] {
  if (!(error instanceof RegrowError)) return mistakeLines(error);
  const lines = [`regrow: ${error.message}`];
  if (verbose) lines.push(...causesOf(error).map((cause) => `because: ${cause}`));
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return lines;
}

function mistakeLines(error: unknown): string[] {
  const text = error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error);
  return [`regrow: this is a mistake in regrow itself: ${text}`, "hint: Please report it with these lines."];
}

function jsonLine(error: unknown, exitCode: ExitCode): string {
  if (!(error instanceof RegrowError)) {
    const message = error instanceof Error ? error.message : JSON.stringify(error);
    return JSON.stringify({ type: "error", code: "internal", message, exitCode });
  }
  const { code, message, path, hint } = error;
  const causes = causesOf(error);
  return JSON.stringify({ type: "error", code, message, path, hint, exitCode, causes: causes.length > 0 ? causes : undefined });
}

function causesOf(error: Error): string[] {
  const causes: string[] = [];
  for (let at = error.cause; at !== undefined && causes.length < 10; at = at instanceof Error ? at.cause : undefined) {
    causes.push(at instanceof Error ? at.message : JSON.stringify(at));
  }
  return causes;
}
