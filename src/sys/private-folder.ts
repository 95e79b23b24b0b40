/** A folder that only this user may enter, for what a program wants to have as files for a moment. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fromNodeError } from "./native.ts";

export interface PrivateFolder {
  readonly path: string;
  /** Makes a file in it, of which others know nothing. Throws SystemError. */
  write(name: string, data: Uint8Array): void;
}

/** It is gone when `work` has ended. Throws SystemError. */
export async function withPrivateFolder<T>(work: (folder: PrivateFolder) => Promise<T> | T): Promise<T> {
  const folder = make();
  try {
    return await work({
      path: folder,
      write: (name, data) => guarded(() => writeFileSync(path.join(folder, name), data, { mode: 0o600, flag: "wx" }), name),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function make(): string {
  const prefix = path.join(os.tmpdir(), "regrow-");
  return guarded(() => mkdtempSync(prefix), prefix);
}

function guarded<T>(work: () => T, name: string): T {
  try {
    return work();
  } catch (error) {
    throw fromNodeError(error, name);
  }
}
