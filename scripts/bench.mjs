/** `npm run bench`: sets up, builds the program, and measures it beside its peers. Arguments go to test/bench/bench.ts. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode } from "../bin/find-node.mjs";
import { setup } from "./setup.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

setup();
const node = findNode();
for (const args of [
  ["scripts/build.mjs", "--single-file", "--if-changed"],
  ["test/bench/bench.ts", ...process.argv.slice(2)],
]) {
  const { status, error } = spawnSync(node, args, { cwd: root, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
