/** Running programs beside a test. */
import { type ChildProcess, spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import type { StoreWork } from "./drive-store.ts";

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface RunningChild {
  readonly process: ChildProcess;
  readonly ended: Promise<ChildEnd>;
  /** Resolves with the first output. */
  readonly begun: Promise<void>;
}

const regrow = path.join(import.meta.dirname, "../../src/bin.ts");
const driver = path.join(import.meta.dirname, "drive-store.ts");
// Children start twice as fast where Node keeps what it has compiled.
const NODE_COMPILE_CACHE = path.join(os.tmpdir(), `regrow-compile-cache-${process.getuid?.() ?? 0}`);

/** Starts regrow from its source. */
export function startRegrow(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningChild {
  return startChild(process.execPath, [regrow, ...args], { NODE_COMPILE_CACHE, ...env });
}

/** Starts work on a repository in a process of its own. */
export function startStore(repository: string, work: StoreWork, env: NodeJS.ProcessEnv = {}): RunningChild {
  return startChild(process.execPath, [driver, repository, JSON.stringify(work)], { NODE_COMPILE_CACHE, ...env });
}

export function startChild(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningChild {
  const startedAt = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - startedAt }));
  });
  const begun = new Promise<void>((resolve) => {
    child.stdout.once("data", () => resolve());
    child.once("close", () => resolve());
  });
  return { process: child, ended, begun };
}

/** Does `work` for every item, `count` of them at a time, and rejects with the first failure. */
export async function eachOf<T>(items: readonly T[], count: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const lanes = Array.from({ length: count }, async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  });
  await Promise.all(lanes);
}
