/**
 * `npm test [PATH…]`: sets up what is missing, then runs all tests, or those whose path contains one of the given pieces.
 * Runs on any Node from 20 on, on a fresh clone too. All that the tests start belongs to one process group, which ends with
 * this process: no virtual machine outlives a Ctrl-C.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode } from "../bin/find-node.mjs";
import { setup } from "./setup.mjs";

const GRACE_MILLISECONDS = 5000;
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

setup();
const node = findNode();
if (node === undefined) throw new Error(`No Node 24: the package node-linux-${process.arch} is missing.`);

const runner = path.join(path.dirname(fileURLToPath(import.meta.url)), "run-tests.mjs");
const { NODE_TEST_CONTEXT: _, ...env } = process.env;
const child = spawn(node, [runner, ...process.argv.slice(2)], { stdio: "inherit", detached: true, env });

let interrupted;
for (const [signal, code] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    interrupted ??= code;
    endGroup("SIGTERM");
    setTimeout(() => endGroup("SIGKILL"), GRACE_MILLISECONDS).unref();
  });
}
child.on("exit", (code) => {
  endGroup("SIGKILL");
  process.exit(interrupted ?? code ?? 1);
});

function endGroup(signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
