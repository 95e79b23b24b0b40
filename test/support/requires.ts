/**
 * What a test needs of the machine, and which Debian package has it. A test that lacks something is skipped by name,
 * never passed; with CI=true the runner counts a skip as a failure.
 */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import type { TestContext } from "node:test";
import { debianPackage } from "../../scripts/packages.mjs";

export interface Requirements {
  readonly root?: boolean;
  /** Names of programs on the PATH or in the system's sbin folders; each stands in scripts/packages.mjs. */
  readonly programs?: readonly string[];
  /** Files and devices that must exist, such as `/dev/kvm`. */
  readonly files?: readonly string[];
  /** File systems that the running kernel must know, such as `btrfs`. */
  readonly filesystems?: readonly string[];
}

/**
 * True where the machine has it all. Else skips the test with a message that names what is missing, and returns false:
 * `if (!requires(t, { root: true, programs: ["btrfs"] })) return;`
 */
export function requires(t: Pick<TestContext, "skip">, needs: Requirements): boolean {
  const missing = missingOf(needs);
  if (missing.length > 0) t.skip(`needs ${missing.join(", ")}`);
  return missing.length === 0;
}

function missingOf(needs: Requirements): string[] {
  const missing: string[] = [];
  if (needs.root === true && process.geteuid?.() !== 0) missing.push("root");
  for (const program of needs.programs ?? []) if (!isProgram(program)) missing.push(withPackage(program));
  for (const file of needs.files ?? []) if (!existsSync(file)) missing.push(withPackage(file));
  for (const name of needs.filesystems ?? []) if (!kernelKnows(name)) missing.push(`a kernel with ${name}`);
  return missing;
}

function isProgram(name: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder.startsWith("/") && isExecutable(path.join(folder, name)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function withPackage(item: string): string {
  const name = debianPackage(item);
  return name === undefined ? item : `${item} (Debian package ${name})`;
}

function kernelKnows(filesystem: string): boolean {
  const known = readFileSync("/proc/filesystems", "utf8").split("\n");
  return known.some((line) => line.split("\t")[1] === filesystem);
}
