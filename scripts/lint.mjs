/**
 * All static checks: types (tsc), rules and layers (oxlint, with types), format (oxfmt). With --fix the format is mended
 * and what oxlint can mend by itself. Exit code 1 where one of them finds something.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode } from "../bin/find-node.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const fix = process.argv.includes("--fix");
const FOLDERS = ["src", "test", "scripts", "bin", "oxlint.config.ts"];

const node = findNode();
if (node === undefined) {
  console.error("lint: Node 24 is missing. Run npm ci first; it brings it along.");
  process.exit(1);
}

const checks = [
  ["types", ["typescript/bin/tsc", "--project", root]],
  ["rules", ["oxlint/bin/oxlint", ...(fix ? ["--fix"] : []), ...FOLDERS]],
  ["format", ["oxfmt/bin/oxfmt", ...(fix ? [] : ["--check"]), ...FOLDERS]],
];

const failed = [];
for (const [name, [program, ...options]] of checks) {
  const file = path.join(root, "node_modules", program);
  const { status, error } = spawnSync(node, [file, ...options], { cwd: root, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "lint: types, rules and format are right" : `lint: failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
