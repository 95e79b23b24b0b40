/** The steps of the demo: each is announced, timed, and listed at the end. */
import { spawnSync } from "node:child_process";
import process from "node:process";

const times: { what: string; seconds: number }[] = [];
const bold = (text: string): string => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

/** Runs one step and keeps its time. */
export async function step<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  process.stdout.write(`\n${bold(`== ${what}`)}\n`);
  const startedAt = performance.now();
  const result = await work();
  times.push({ what, seconds: (performance.now() - startedAt) / 1000 });
  return result;
}

export function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** How long each step took. */
export function tellTimes(): void {
  tell(`\n${bold("Time taken")}`);
  for (const { what, seconds } of times) tell(`  ${seconds.toFixed(2).padStart(7)} s  ${what}`);
}

/** Shows a command line and runs it; returns what it printed. Throws where it fails. */
export function shell(
  program: string,
  args: readonly string[],
  options: { readonly show?: string; readonly quiet?: boolean } = {},
): string {
  tell(`$ ${options.show ?? [program, ...args].join(" ")}`);
  const { status, stdout, stderr, error } = spawnSync(program, [...args], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (error) throw error;
  if (options.quiet !== true) process.stdout.write(limited(`${stderr}${stdout}`));
  if (status !== 0) throw new Error(`${program} failed with exit code ${status}: ${stderr}`);
  return stdout;
}

function limited(text: string): string {
  const lines = text.split("\n");
  if (lines.length <= 24) return text;
  return [...lines.slice(0, 16), `… ${lines.length - 20} lines here are left out …`, ...lines.slice(-4)].join("\n");
}
