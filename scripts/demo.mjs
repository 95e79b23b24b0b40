/** `npm run demo`: installs what is missing, builds the program, and shows the story from end to end on a real tree. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode } from "../bin/find-node.mjs";
import { setup } from "./setup.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

setup();
const node = findNode();
run(["scripts/build.mjs", "--single-file", "--if-changed"]);
run(["test/demo/demo.ts"]);

function run(args) {
  const { status, error } = spawnSync(node, args, { cwd: root, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
