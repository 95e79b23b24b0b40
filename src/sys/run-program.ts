/**
 * Runs other programs: never through a shell, in the C locale, and stopped with all that they started when the call is
 * cancelled. A program that changes something passes a fail point first, like a system call does.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { RegrowError, throwIfCancelled } from "../base/errors.ts";
import { failPoint } from "./fail-point.ts";
import { fromNodeError } from "./native.ts";
import { requireProgram } from "./program-packages.ts";

export interface ProgramCall {
  /** A name that is looked up as a shell would, or a full path. */
  readonly program: string;
  readonly args: readonly string[];
  /** `change` for what alters a file, a device or a file system; `read` for what only looks. */
  readonly effect: "read" | "change";
  /** An open folder to run in. Other paths that are relative start there. */
  readonly folderFd?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Exit codes other than 0 that are an answer and no failure. */
  readonly answers?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** Text; the last 64 kB of it. */
  readonly stderr: string;
}

/** A program that runs: feed `stdin` and end it, read `stdout` to its end, await `finished`. */
export interface RunningProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Rejects as `runProgram` does. */
  readonly finished: Promise<Omit<ProgramResult, "stdout">>;
  kill(): void;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const STDERR_KEPT = 65536;
const GRACE_MILLISECONDS = 5000;

/**
 * Runs a program to its end with `input` as its stdin and returns what it wrote. Throws `missing-program`,
 * `program-failed` with the last lines of its stderr, `no-space` where they say so, `cancelled`.
 */
export async function runProgram(call: ProgramCall, input: Uint8Array | string = ""): Promise<ProgramResult> {
  const running = startProgram(call);
  const pieces: Buffer[] = [];
  running.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  running.stdin.end(input);
  const finished = await running.finished;
  return { ...finished, stdout: Buffer.concat(pieces) };
}

/** Starts a program whose input and output are streamed. Throws `missing-program` and `cancelled` at once. */
export function startProgram(call: ProgramCall): RunningProgram {
  throwIfCancelled(call.signal);
  const path = requireProgram(call.program);
  if (call.effect === "change") failPoint(`run ${call.program}`);
  const child = spawn(path, call.args, {
    stdio: ["pipe", "pipe", "pipe"],
    // A group of its own, so that stopping it stops what it started too, and Ctrl-C leaves the order of the clean-up to us.
    detached: true,
    env: { ...process.env, LC_ALL: "C", ...call.environment },
    ...(call.folderFd === undefined ? {} : { cwd: `/proc/${process.pid}/fd/${call.folderFd}` }),
  });
  // A program may end without reading all of its input; its exit code tells whether that was a failure.
  child.stdin.on("error", () => {});
  const finished = whenFinished(child, call);
  // Whoever awaits `finished` later still sees the rejection; without this the process would end before that.
  finished.catch(() => {});
  return { stdin: child.stdin, stdout: child.stdout, finished, kill: () => stop(child) };
}

function whenFinished(child: Child, call: ProgramCall): Promise<Omit<ProgramResult, "stdout">> {
  let stderr = "";
  child.stderr.on("data", (piece: Buffer) => {
    stderr = (stderr + piece.toString("utf8")).slice(-STDERR_KEPT);
  });
  const onAbort = (): void => stop(child);
  call.signal?.addEventListener("abort", onAbort, { once: true });
  return new Promise<Omit<ProgramResult, "stdout">>((resolve, reject) => {
    child.once("error", (error) => reject(fromNodeError(error, call.program) as Error));
    child.once("close", (code, killedBy) => {
      if (call.signal?.aborted) reject(new RegrowError("cancelled", "Cancelled."));
      else if (code === 0 || (code !== null && call.answers?.includes(code))) resolve({ exitCode: code, stderr });
      else reject(failure(call, code, killedBy, stderr));
    });
  }).finally(() => call.signal?.removeEventListener("abort", onAbort));
}

function stop(child: Child): void {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MILLISECONDS);
  child.once("close", () => clearTimeout(timer));
}

function signalGroup(child: Child, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // All of it may have ended in the meantime.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function failure(call: ProgramCall, code: number | null, killedBy: string | null, stderr: string): RegrowError {
  const said = stderr.trim().split("\n").slice(-5).join("\n");
  const how = killedBy === null ? `failed with exit code ${code}` : `was stopped by ${killedBy}`;
  const full = /no space left on device/i.test(said);
  return new RegrowError(full ? "no-space" : "program-failed", `${call.program} ${how}${said === "" ? "." : `: ${said}`}`, {
    path: call.program,
    hint: full ? "Free some space there, or choose another place." : `The command was: ${[call.program, ...call.args].join(" ")}`,
  });
}
