/**
 * What `npm test` prints: a line a file while it runs; at the end the failures in full, the skipped tests with what they
 * lack, the slowest ones, and one closing line. Only leaf tests count: not a suite, nor a test that holds others.
 */
import path from "node:path";
import { inspect } from "node:util";

const SLOWEST = 10;
const LINES_SHOWN = 5;

/** `take` gets each event of node:test; `finish` prints the summary and tells whether all is well. */
export function createReporter({ root, write, strict }) {
  const tests = [];
  const files = new Map();

  function fileOf(name) {
    const file = files.get(name) ?? { name: path.relative(root, name), tests: [], open: [], output: [] };
    files.set(name, file);
    return file;
  }

  function take({ type, data }) {
    if (data.file === undefined) return;
    const file = fileOf(data.file);
    if (type === "test:pass" || type === "test:fail") takeResult(file, type === "test:pass", data);
    else if (type === "test:stdout" || type === "test:stderr") file.output.push(data.message);
    else if (type === "test:diagnostic" && data.nesting > 0) file.output.push(`${data.message}\n`);
    else if (type === "test:summary") write(fileLine(file, data.duration_ms));
  }

  /** Results come bottom up: those of the tests inside a test before its own. */
  function takeResult(file, passed, data) {
    const test = { path: [data.name], file: file.name, line: data.line, milliseconds: data.details.duration_ms };
    const inside = file.open.filter(({ nesting }) => nesting > data.nesting);
    const below = inside.flatMap(({ all }) => all);
    for (const other of below) other.path.unshift(data.name);
    file.open = [...file.open.filter((entry) => !inside.includes(entry)), { nesting: data.nesting, all: [test, ...below] }];
    const verdict = verdictOf(file, passed, data, inside.length > 0);
    if (verdict === undefined) return;
    Object.assign(test, verdict);
    tests.push(test);
    file.tests.push(test);
  }

  function finish() {
    const failed = tests.filter((test) => test.outcome === "failed");
    const skipped = tests.filter((test) => test.outcome === "skipped");
    const passed = tests.filter((test) => test.outcome === "passed");
    if (failed.length > 0) write(`\nFailed:\n${failed.map(failure).join("")}`);
    for (const file of new Set(failed.map((test) => test.file))) write(outputOf(file));
    if (skipped.length > 0)
      write(`\nSkipped${strict ? " (with CI=true that is a failure)" : ""}:\n${skipped.map(skip).join("")}`);
    const slowest = passed.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST);
    write(`\nSlowest:\n${slowest.map((test) => `  ${seconds(test.milliseconds)}  ${title(test)}\n`).join("")}`);
    write(`\n${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped\n`);
    return failed.length === 0 && passed.length > 0 && !(strict && skipped.length > 0);
  }

  function outputOf(name) {
    const file = [...files.values()].find((candidate) => candidate.name === name);
    const text = file.output.join("");
    return text === "" ? "" : `\nOutput of ${name}:\n${text.trimEnd()}\n`;
  }

  return { take, finish };
}

/** Undefined for what only holds other tests, as long as nothing but those went wrong. */
function verdictOf(file, passed, data, holdsTests) {
  const { error, type } = data.details;
  if (!passed) return error?.failureType === "subtestsFailed" ? undefined : { outcome: "failed", error: error?.cause ?? error };
  if (holdsTests || type === "suite") return undefined;
  // A file that registers no test is reported as one test of its own name.
  const isFile = data.nesting === 0 && data.file.endsWith(`/${file.name}`) && data.name.endsWith(file.name);
  if (isFile) return { outcome: "failed", error: new Error("The file holds no test.") };
  const skip = data.skip ?? data.todo ?? false;
  if (skip !== false) return { outcome: "skipped", reason: skip === true ? "no reason given" : skip };
  return { outcome: "passed" };
}

function fileLine({ name, tests, output }, milliseconds) {
  const count = (outcome) => tests.filter((test) => test.outcome === outcome).length;
  const parts = [`${count("passed")} passed`];
  if (count("failed") > 0) parts.push(`${count("failed")} FAILED`);
  if (count("skipped") > 0) parts.push(`${count("skipped")} skipped`);
  const lines = output
    .join("")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const more = lines.length > LINES_SHOWN ? [`… and ${lines.length - LINES_SHOWN} lines more`] : [];
  const said = [...lines.slice(0, LINES_SHOWN), ...more].map((line) => `      ${line}\n`).join("");
  return `${seconds(milliseconds)}  ${name}: ${parts.join(", ")}\n${said}`;
}

function failure(test) {
  const text = typeof test.error === "string" ? test.error : inspect(test.error, { depth: 8, maxStringLength: 20_000 });
  return `\n  ${title(test)}\n${indent(text)}\n`;
}

function skip(test) {
  return `  ${title(test)}: ${test.reason}\n`;
}

function title({ path: names, file, line }) {
  return `${names.join(" > ")} (${file}${line === undefined ? "" : `:${line}`})`;
}

function indent(text) {
  return text.replace(/^/gm, "    ");
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2).padStart(7)} s`;
}
