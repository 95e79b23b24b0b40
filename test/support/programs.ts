/** Running the programs that judge regrow. */
import { spawnSync } from "node:child_process";

const MOST_OUTPUT = 512 * 1024 * 1024;

export interface RunOutcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** What the program prints. Throws where it fails. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Buffer {
  const { status, stdout, stderr } = tryRun(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${status}: ${stderr}`);
  return stdout;
}

export function runText(program: string, args: readonly string[], options: RunOptions = {}): string {
  return run(program, args, options).toString("utf8").trimEnd();
}

export function tryRun(program: string, args: readonly string[], options: RunOptions = {}): RunOutcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, { maxBuffer: MOST_OUTPUT, ...options });
  if (error !== undefined) throw error;
  return { status, stdout, stderr: stderr.toString("utf8") };
}
