/** bin/regrow.mjs under a Node that is too old: the one from node-linux-* takes over, unnoticed by whoever called. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { VERSION } from "../../src/base/version.ts";

const root = path.join(import.meta.dirname, "../..");
const OLD = `--import=data:text/javascript,${encodeURIComponent('Object.defineProperty(process.versions, "node", { value: "20.1.0" })')}`;
const BUNDLE = `
if (process.argv[2] === "exit") process.exit(Number(process.argv[3]));
if (process.argv[2] === "handle") process.on("SIGTERM", () => process.exit(7));
process.stdout.write(process.version);
setInterval(() => {}, 1000);
`;

let folder: string;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "regrow-launcher-"));
  cpSync(path.join(root, "bin"), path.join(folder, "bin"), { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  mkdirSync(path.join(folder, "dist"));
  writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(path.join(folder, "dist/bin.js"), BUNDLE);
});

after(() => rmSync(folder, { recursive: true }));

test("a checkout that was not built runs from source", async () => {
  const copy = mkdtempSync(path.join(os.tmpdir(), "regrow-launcher-"));
  try {
    for (const name of ["bin", "src", "package.json"]) cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    const child = spawn(process.execPath, [path.join(copy, "bin/regrow.mjs"), "--version"]);
    assert.equal(await firstOutput(child), `regrow ${VERSION}\n`);
    assert.deepEqual(await once(child, "close"), [0, null]);
  } finally {
    rmSync(copy, { recursive: true });
  }
});

test("the newer Node runs it, and its exit code comes through", async () => {
  assert.deepEqual(await once(launch(OLD, "exit", "11"), "close"), [11, null]);
  assert.deepEqual(await once(launch("--no-warnings", "exit", "12"), "close"), [12, null], "a Node that is new enough");
});

test("a signal reaches it, whether it is handled or deadly", async () => {
  const handles = launch(OLD, "handle");
  assert.equal(await firstOutput(handles), process.version);
  handles.kill("SIGTERM");
  assert.deepEqual(await once(handles, "close"), [7, null]);

  const dies = launch(OLD, "wait");
  await firstOutput(dies);
  dies.kill("SIGHUP");
  assert.deepEqual(await once(dies, "close"), [null, "SIGHUP"]);
});

test("without any Node 24 it says what to do, with exit code 15", async () => {
  const bare = path.join(folder, "bare");
  cpSync(path.join(root, "bin"), path.join(bare, "bin"), { recursive: true });
  rmSync(path.join(folder, "node_modules"));
  const child = spawn(process.execPath, [OLD, path.join(bare, "bin/regrow.mjs")]);
  let said = "";
  child.stderr.on("data", (piece: Buffer) => (said += piece.toString()));
  assert.deepEqual(await once(child, "close"), [15, null]);
  assert.match(said, /needs Node 24 .* node-linux-\w+ is not installed/);
});

function launch(...args: readonly string[]): ChildProcess {
  const [option, ...rest] = args;
  return spawn(process.execPath, [option!, path.join(folder, "bin/regrow.mjs"), ...rest], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function firstOutput(child: ChildProcess): Promise<string> {
  const [piece] = (await once(child.stdout!, "data")) as [Buffer];
  return piece.toString();
}
