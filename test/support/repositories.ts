/** Repositories for tests, made by regrow or by the real ostree, and that program itself. */
import { appendFileSync } from "node:fs";
import type { TestContext } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../src/store/repository.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { type RunOptions, type RunOutcome, runText, tryRun } from "./programs.ts";
import { atEnd } from "./scratch.ts";

export const MODES: readonly RepositoryMode[] = ["bare", "bare-user", "bare-user-only", "archive"];

/** Without flushing, which takes most of the time and changes no byte. */
export function newRepository(t: TestContext, path: string, mode: RepositoryMode): Repository {
  initRepository(path, { mode });
  appendFileSync(`${path}/config`, "fsync=false\n");
  const repository = openRepository(path);
  atEnd(t, () => closeRepository(repository));
  return repository;
}

/** A repository made by ostree, not opened. */
export function newOstreeRepository(path: string, mode: RepositoryMode): string {
  runText("ostree", ["init", `--repo=${path}`, `--mode=${mode}`]);
  appendFileSync(`${path}/config`, "fsync=false\n");
  return path;
}

/** What `ostree COMMAND --repo=PATH …` prints. Throws where it fails. */
export function ostree(repository: string, command: string, ...args: readonly string[]): string {
  return runText("ostree", [command, `--repo=${repository}`, ...args]);
}

export function tryOstree(options: RunOptions, repository: string, command: string, ...args: readonly string[]): RunOutcome {
  return tryRun("ostree", [command, `--repo=${repository}`, ...args], options);
}

/** The root folder of a commit as ostree names it: checksums of its dirtree and of its dirmeta. */
export function ostreeRoot(repository: string, commit: string): { tree: Checksum; meta: Checksum } {
  const line = ostree(repository, "ls", "-C", "-d", commit, "/");
  const [tree, meta] = line.match(/[0-9a-f]{64}/g) ?? [];
  return { tree: tree as Checksum, meta: meta as Checksum };
}
