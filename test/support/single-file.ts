/** The single-file executable of this checkout, built when its sources have changed since the last time. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import process from "node:process";

const root = path.join(import.meta.dirname, "../..");

/** Its path; the file is for reading only. Takes about 2 s where it must be built. */
export function singleFile(): string {
  execFileSync(process.execPath, [path.join(root, "scripts/build.mjs"), "--single-file", "--if-changed"], { stdio: "pipe" });
  return path.join(root, "dist/regrow");
}
