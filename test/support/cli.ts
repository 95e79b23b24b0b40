/** The real program, the single file, run in a folder that goes away with the test. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { after } from "node:test";
import { singleFile } from "./single-file.ts";

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Workbench {
  /** The path of the program. */
  readonly program: string;
  readonly folder: string;
  /** The path of something in the folder. */
  at(...pieces: readonly string[]): string;
  /** Runs regrow in the folder, with no terminal. */
  regrow(...args: readonly string[]): Ran;
  /** The same, and throws where the exit code is not 0. Returns stdout without the last newline. */
  ok(...args: readonly string[]): string;
  /** Makes a file with its folders. */
  write(name: string, content: string | Buffer): void;
  environment: NodeJS.ProcessEnv;
}

/** To be called once in a test file, at its top level. The repository `repo` in the folder is the one that is meant. */
export function workbench(): Workbench {
  const folder = mkdtempSync(path.join(os.tmpdir(), "regrow-cli-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const bench: Workbench = {
    program: singleFile(),
    folder,
    environment: { PATH: process.env["PATH"], TZ: "UTC", HOME: folder, REGROW_REPO: "repo" },
    at: (...pieces) => path.join(folder, ...pieces),
    regrow: (...args) => run(bench, args),
    ok(...args) {
      const { code, out, err } = run(bench, args);
      if (code !== 0) throw new Error(`regrow ${args.join(" ")} ended with ${code}: ${err}`);
      return out.replace(/\n$/, "");
    },
    write(name, content) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content);
    },
  };
  return bench;
}

function run({ program, folder, environment }: Workbench, args: readonly string[]): Ran {
  const result: SpawnSyncReturns<string> = spawnSync(program, args, {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}
