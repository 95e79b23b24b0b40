/** Finds a Node that can run regrow: the running one if it is new enough, else the one that the package node-linux-* brings. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

const NEEDED_MAJOR = 24;

/** The path of the executable, or undefined where there is none. */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) return process.execPath;
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const node = path.join(path.dirname(manifest), "bin", "node");
    return existsSync(node) ? node : undefined;
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
