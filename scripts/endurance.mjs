/**
 * `npm run endurance [-- --write | PATH…]`: the campaigns of which the tests run a short form, in full: more random kills, more
 * generated trees, more damaged input. Takes long, and is run by hand. At its end it prints a table of what was done, counted by the
 * tests themselves; `--write` puts it into docs/safety.md, and what each test counted beside it, into docs/endurance/. With paths only those tests run, and nothing is written.
 */
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { summaryOf, writeBetween } from "./endurance-summary.mjs";

const scripts = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(scripts);
const document = path.join(root, "docs/safety.md");
const FOLDERS = ["test/crash", "test/property", "test/privileged"];

const paths = process.argv.slice(2).filter((argument) => argument !== "--write");
const isWriting = process.argv.includes("--write");
if (isWriting && paths.length > 0) fail("--write is for the whole campaign: it takes no paths.");
if (isWriting && git("status", "--porcelain") !== "") fail("--write needs a commit of what is tested: there are changes.");

const startedAt = Date.now();
const folder = mkdtempSync(path.join(tmpdir(), "regrow-endurance-"));
try {
  const tally = path.join(folder, "tally");
  const passed = await runTests(tally);
  const date = new Date(startedAt).toISOString().slice(0, 10);
  const table = summaryOf(existsSync(tally) ? readFileSync(tally, "utf8") : "", {
    date,
    commit: `${git("rev-parse", "--short=10", "HEAD")}${git("status", "--porcelain") === "" ? "" : " with changes"}`,
    minutes: Math.max(1, Math.round((Date.now() - startedAt) / 60_000)),
    passed,
  });
  console.log(`\n${table}`);
  if (!passed) process.exitCode = 1;
  else if (isWriting) write(table, tally, `endurance/${date}.tally`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** `log`: from docs/. What the tests have counted goes there as they wrote it, a line of JSON each. */
function write(table, tally, log) {
  const docs = path.dirname(document);
  mkdirSync(path.join(docs, path.dirname(log)), { recursive: true });
  copyFileSync(tally, path.join(docs, log));
  writeFileSync(document, writeBetween(readFileSync(document, "utf8"), `${table}\n\nWhat each test counted: [${log}](${log}).`));
}

function runTests(tally) {
  const env = { ...process.env, REGROW_LONG: "1", REGROW_TALLY: tally };
  const args = [path.join(scripts, "test.mjs"), ...(paths.length > 0 ? paths : FOLDERS)];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: "inherit" });
  // The tests end themselves, and what they have started; what they counted until then is told.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code === 0));
  });
}

function git(...args) {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
