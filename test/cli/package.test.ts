/** What the npm package holds works without the sources: the command, its workers, the library and its types. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { VERSION } from "../../src/base/version.ts";

const root = path.join(import.meta.dirname, "../..");
let consumer: string;

before(() => {
  consumer = mkdtempSync(path.join(os.tmpdir(), "regrow-package-"));
  const installed = path.join(consumer, "node_modules/regrow");
  mkdirSync(installed, { recursive: true });
  for (const name of ["bin", "assets", "package.json"])
    cpSync(path.join(root, name), path.join(installed, name), { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(installed, "node_modules"));
  symlinkSync(path.join(root, "node_modules/@types"), path.join(consumer, "node_modules/@types"));
  const script = path.join(root, "scripts/build.mjs");
  execFileSync(process.execPath, [script, "--no-single-file", "--out", path.join(installed, "dist")], { stdio: "pipe" });
});

after(() => rmSync(consumer, { recursive: true }));

test("the command runs, its native module and its workers too", () => {
  const command = path.join(consumer, "node_modules/regrow/bin/regrow.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, "--self-test"], { encoding: "utf8", cwd: "/" });
  assert.match(stdout, /^self-test passed: 0 assets, worker in \d+ ms\n$/);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

test("a program can use the library, with types", () => {
  const right = `import { RegrowError, VERSION, type Observer } from "regrow";
    export const observer: Observer = { onEvent: (event) => void event.kind };
    export const code: number = new RegrowError("usage", VERSION).exitCode;
    console.log(code, VERSION);\n`;
  writeFileSync(path.join(consumer, "right.mts"), right);
  writeFileSync(path.join(consumer, "wrong.mts"), `import { VERSION } from "regrow";\nexport const wrong: number = VERSION;\n`);
  assert.equal(execFileSync(process.execPath, ["right.mts"], { cwd: consumer, encoding: "utf8" }), `2 ${VERSION}\n`);
  assert.deepEqual(typeErrors("right.mts", "wrong.mts"), [
    "wrong.mts(2,14): error TS2322: Type 'string' is not assignable to type 'number'.",
  ]);
});

function typeErrors(...files: readonly string[]): string[] {
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node", "--pretty", "false"];
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, ...files], { cwd: consumer, encoding: "utf8" });
  return stdout.split("\n").filter((line) => line !== "");
}
