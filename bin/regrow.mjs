#!/usr/bin/env node
/**
 * The command for those who installed the npm package: runs regrow with this Node where it is new enough, else with the one
 * that came along, whose signals and exit code are then passed on.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import os from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findNode } from "./find-node.mjs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

const node = findNode();
if (node === undefined) {
  console.error(
    `regrow: needs Node 24 or newer, this is ${process.version}, and the package node-linux-${process.arch} is not installed.`,
  );
  console.error("Run npm install again without --omit=optional, or use a newer Node.");
  process.exitCode = 15;
} else if (node === process.execPath) {
  await import(entry().href);
} else {
  runWith(node);
}

/** The bundle; in a checkout that was not built, the source. */
function entry() {
  const bundle = new URL("../dist/bin.js", import.meta.url);
  return existsSync(bundle) ? bundle : new URL("../src/bin.ts", import.meta.url);
}

function runWith(executable) {
  const child = spawn(executable, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // What is typed at a terminal reaches the child by itself, and a second Ctrl-C would mean something else.
      const typed = process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT");
      if (!typed) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    console.error(`regrow: ${executable}: ${error.message}`);
    process.exitCode = 15;
  });
  child.on("close", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of SIGNALS) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    // A signal that doesn't end this process ends it as a shell would report it.
    setTimeout(() => process.exit(128 + os.constants.signals[signal]), 100);
  });
}
