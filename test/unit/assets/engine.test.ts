/** What the engine is made of: the exchange programs from their assembler, byte for byte, and shell scripts that hold in any shell. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { makeExchange } from "../../../scripts/make-exchange.mjs";
import { run, tryRun } from "../../support/programs.ts";
import { requires } from "../../support/requires.ts";

const FOLDER = join(import.meta.dirname, "../../../assets/engine");
const EMULATORS = { x86_64: "qemu-x86_64-static", aarch64: "qemu-aarch64-static" } as const;
const HERE = { x64: "x86_64", arm64: "aarch64" }[process.arch as "x64" | "arm64"];

for (const architecture of ["x86_64", "aarch64"] as const) {
  const program = join(FOLDER, `regrow-exchange.${architecture}`);

  test(`the exchange program for ${architecture} is what its assembler makes`, () => {
    assert(readFileSync(program).equals(makeExchange(architecture)));
    assert.equal(statSync(program).mode & 0o777, 0o755);
  });

  test(`the exchange program for ${architecture} exchanges two names, or says that it did not`, (t) => {
    const emulator = architecture === HERE ? [] : [EMULATORS[architecture]];
    if (!requires(t, { programs: emulator })) return;
    const folder = mkdtempSync(join(tmpdir(), "regrow-exchange-"));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const name of ["a", "b"]) writeFileSync(join(folder, name), name);
    const command = [...emulator, program];
    const exchange = (...names: string[]): number | null =>
      tryRun(command[0]!, [...command.slice(1), ...names], { cwd: folder }).status;
    assert.equal(exchange("a", "b"), 0);
    assert.equal(readFileSync(join(folder, "a"), "utf8"), "b");
    assert.equal(readFileSync(join(folder, "b"), "utf8"), "a");
    for (const names of [["a", "missing"], ["missing", "a"], ["a"], [], ["a", "b", "c"], ["a", ""]]) {
      assert.equal(exchange(...names), 1, names.join(" "));
    }
    assert.equal(readFileSync(join(folder, "a"), "utf8"), "b");
    assert.deepEqual(readdirSync(folder).toSorted(), ["a", "b"]);
  });
}

test("shellcheck has nothing to say about the scripts", (t) => {
  if (!requires(t, { programs: ["shellcheck"] })) return;
  const scripts = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => /^#!\/bin\/(?:sh|bash)\n/.test(readFileSync(path, "latin1")));
  assert(scripts.length >= 1);
  run("shellcheck", scripts);
});
