/**
 * Runs the test files with node:test, two files at once; virtual machines and measurements one by one after all others.
 * Needs Node 24; `npm test` finds it. Exit code 1 where a test failed, or was skipped with CI=true.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { createReporter } from "./test-reporter.mjs";

const root = process.env.REGROW_TEST_ROOT ?? path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** What runs ten times as often takes longer still on a busy machine. */
const MINUTE = process.env.REGROW_LONG === "1" ? 15 * 60_000 : 60_000;
const ROUNDS = [
  { holds: (file) => !isHeavy(file), concurrency: 2, timeout: 5 * MINUTE },
  { holds: isHeavy, concurrency: 1, timeout: 20 * MINUTE },
];

const filters = process.argv.slice(2);
const files = readdirSync(path.join(root, "test"), { recursive: true })
  .map((name) => `test/${name}`)
  .filter((name) => name.endsWith(".test.ts") && (filters.length === 0 || filters.some((filter) => matches(name, filter))))
  .sort();
if (files.length === 0) {
  console.error(`No test file matches ${filters.join(" ")}.`);
  process.exit(1);
}

const reporter = createReporter({ root, write: (text) => process.stdout.write(text), strict: process.env.CI === "true" });
for (const { holds, concurrency, timeout } of ROUNDS) {
  const round = files.filter(holds).map((name) => path.join(root, name));
  if (round.length === 0) continue;
  for await (const event of run({ files: round, concurrency, timeout, cwd: root })) reporter.take(event);
}
process.exitCode = reporter.finish() ? 0 : 1;

function isHeavy(file) {
  return file.startsWith("test/vm/") || file.startsWith("test/bench/");
}

function matches(name, filter) {
  return name.includes(path.relative(root, path.resolve(filter))) || name.includes(filter);
}
