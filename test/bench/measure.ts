/** Times whole processes: wall clock from outside, peak memory by GNU time. Pairs alternate, with a sync before each run. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export interface Run {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Seconds, and peak resident memory in bytes of the largest process. */
export interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export interface Pair {
  readonly ours: Sample;
  readonly theirs: Sample;
}

/** Runs to the end. Throws where the program fails: a failed run is no measurement. */
export function measure({ program, args, env }: Run): Sample {
  const folder = mkdtempSync(path.join(tmpdir(), "regrow-time-"));
  const report = path.join(folder, "time");
  try {
    spawnSync("sync");
    const startedAt = performance.now();
    const { status, stderr, error } = spawnSync("/usr/bin/time", ["-f", "%U %S %M", "-o", report, program, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...env },
      maxBuffer: 1 << 28,
    });
    const seconds = (performance.now() - startedAt) / 1000;
    if (error) throw error;
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed with exit code ${status}: ${stderr.slice(-2000)}`);
    const [user, system, kilobytes] = readFileSync(report, "utf8").trim().split("\n").at(-1)!.split(" ").map(Number);
    return { seconds, cpuSeconds: user! + system!, peakBytes: kilobytes! * 1024 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One warm-up of each, which also warms the page cache, then `count` pairs in turn. The functions get the number of the run. */
export function measurePairs(count: number, ours: (run: number) => Run, theirs: (run: number) => Run): Pair[] {
  measure(ours(0));
  measure(theirs(0));
  return Array.from({ length: count }, (_, index) => {
    // Who goes first changes, so that neither always finds what the other left.
    if (index % 2 === 0) return { ours: measure(ours(index + 1)), theirs: measure(theirs(index + 1)) };
    const second = measure(theirs(index + 1));
    return { ours: measure(ours(index + 1)), theirs: second };
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
