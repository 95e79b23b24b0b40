/** The house rules hold for the checkout, and each of them really is an error where it is broken. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";

const root = path.join(import.meta.dirname, "../..");

test("types, rules and format of the checkout are right", () => {
  const { status, output } = lint(root);
  assert.equal(status, 0, output);
});

test("a broken house rule is an error", (t) => {
  const copy = mkdtempSync(path.join(os.tmpdir(), "regrow-lint-"));
  t.after(() => rmSync(copy, { recursive: true }));
  for (const name of ["scripts", "bin", "src/base", "tsconfig.json", "oxlint.config.ts", ".oxfmtrc.json", "package.json"]) {
    cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  mkdirSync(path.join(copy, "test"));
  write(copy, "test/ok.test.ts", `import { test } from "node:test";\n\ntest("nothing", () => {});\n`);
  write(copy, "src/remote/transport.ts", `export interface Transport {\n  readonly name: string;\n}\nexport const made = 1;\n`);
  write(copy, "src/sys/door.ts", `export { readFileSync } from "node:fs";\n`);
  write(
    copy,
    "src/machine/use.ts",
    `export { readFileSync } from "../sys/door.ts";\nexport { allowed } from "../store/use.ts";\n`,
  );
  write(
    copy,
    "src/store/use.ts",
    `import type { Transport } from "../remote/transport.ts";\n\nexport const allowed = (transport: Transport) => transport.name;\n`,
  );
  const clean = lint(copy);
  assert.equal(clean.status, 0, `without a broken rule:\n${clean.output}`);

  for (const { file, text } of BROKEN) write(copy, file, text);
  const { status, output } = lint(copy);
  assert.equal(status, 1);
  assert.match(output, /failed: types, rules, format/);
  for (const { file, rule } of BROKEN) assert.ok(finding(output, rule, file), `${rule} finds nothing in ${file}:\n${output}`);
});

const IMPORTS = "no-restricted-imports";
const BROKEN = [
  { rule: IMPORTS, file: "src/base/up.ts", text: `export { readFileSync } from "../sys/door.ts";\n` },
  { rule: IMPORTS, file: "src/codec/crypto-yes-net-no.ts", text: `export { connect } from "node:net";\n` },
  { rule: IMPORTS, file: "src/codec/lazy.ts", text: `export const lazy = () => import("../sys/door.ts");\n` },
  { rule: IMPORTS, file: "src/codec/deep/down.ts", text: `export { readFileSync } from "../../sys/door.ts";\n` },
  { rule: IMPORTS, file: "src/store/files.ts", text: `export { readFileSync } from "node:fs";\n` },
  { rule: IMPORTS, file: "src/store/promises.ts", text: `export { readFile } from "node:fs/promises";\n` },
  { rule: IMPORTS, file: "src/store/koffi.ts", text: `export { load } from "koffi";\n` },
  { rule: IMPORTS, file: "src/store/sideways.ts", text: `export { made } from "../remote/transport.ts";\n` },
  { rule: IMPORTS, file: "src/remote/sideways.ts", text: `export { allowed } from "../store/use.ts";\n` },
  { rule: IMPORTS, file: "src/machine/programs.ts", text: `export { spawn } from "node:child_process";\n` },
  { rule: IMPORTS, file: "src/cli/kernel.ts", text: `export { readFileSync } from "../sys/door.ts";\n` },
  { rule: IMPORTS, file: "src/volume/entry.ts", text: `export { main } from "../bin.ts";\n` },
  { rule: IMPORTS, file: "src/bin.ts", text: `export { rmSync as main } from "node:fs";\n` },
  { rule: "no-cycle", file: "src/disk/a.ts", text: `export { b } from "./b.ts";\nexport const a = 1;\n` },
  { rule: "no-cycle", file: "src/disk/b.ts", text: `export { a } from "./a.ts";\nexport const b = 1;\n` },
  {
    rule: "no-floating-promises",
    file: "src/boot/floating.ts",
    text: `async function late(): Promise<void> {}\nexport function now(): void {\n  late();\n}\n`,
  },
  { rule: "no-default-export", file: "src/boot/default.ts", text: `export default 1;\n` },
  { rule: "max-lines", file: "src/boot/long.ts", text: "export {};\n".repeat(301) },
  { rule: "no-console", file: "src/boot/loud.ts", text: `console.log("done");\n` },
  { rule: "no-empty", file: "src/boot/swallow.ts", text: `try {\n  JSON.parse("");\n} catch {}\n` },
  { rule: "TS2322", file: "src/boot/types.ts", text: `export const count: number = "one";\n` },
  { rule: "Format issues", file: "src/boot/format.ts", text: `export const x='1'\n` },
];

function write(folder: string, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
}

function lint(folder: string): { status: number | null; output: string } {
  const script = path.join(folder, "scripts/lint.mjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8", timeout: 120_000 });
  // CI=true switches colours on.
  return { status, output: stripVTControlCharacters(stdout + stderr) };
}

/** Whether a finding of that rule names that file: oxlint on the next line, tsc on the same, oxfmt in its list. */
function finding(output: string, rule: string, file: string): boolean {
  const lines = output.split("\n");
  if (rule === "Format issues") return lines.some((line) => line.startsWith(`${file} (`));
  return lines.some(
    (line, index) =>
      line.includes(rule) &&
      lines
        .slice(index, index + 2)
        .join("\n")
        .includes(file),
  );
}
