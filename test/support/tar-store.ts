/** Repositories in throw-away folders, and commits of folders and archives in them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { TestContext } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type CommitOptions, type CommitSource, commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../src/store/repository.ts";
import { exportTar, type ExportOptions } from "../../src/store/tar/export-tar.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";

const ENV = { ...process.env, LC_ALL: "C.UTF-8" };

/** What a commit holds: the same for two commits of the same things, whoever made them. */
export interface Digest {
  readonly commit: Checksum;
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: Checksum | undefined;
}

export function temporaryFolder(t: Pick<TestContext, "after">): string {
  const folder = mkdtempSync(`${tmpdir()}/regrow-tar-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function newRepository(t: Pick<TestContext, "after">, path: string, mode: RepositoryMode): Repository {
  initRepository(path, { mode });
  const repository = openRepository(path);
  t.after(() => closeRepository(repository));
  return repository;
}

export async function commitSources(
  repository: Repository,
  sources: readonly CommitSource[],
  options: Partial<CommitOptions> = {},
): Promise<Digest> {
  const { commit } = await commitTree(repository, { sources, useCache: false, workers: 1, timestamp: 1_700_000_000, ...options });
  const { tree, meta, metadata } = loadCommit(repository, commit);
  const sidecar = sidecarCommitOf({ metadata } as never);
  return { commit, tree, meta, sidecar: sidecar === undefined ? undefined : loadCommit(repository, sidecar).tree };
}

export function commitTar(repository: Repository, path: string | number, options?: Partial<CommitOptions>): Promise<Digest> {
  return commitSources(repository, [{ kind: "tar", path }], options);
}

export function commitFolder(repository: Repository, path: string, options?: Partial<CommitOptions>): Promise<Digest> {
  return commitSources(repository, [{ kind: "dir", path }], options);
}

export async function exported(repository: Repository, commit: Checksum, options?: ExportOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const take = (chunk: Uint8Array): Promise<void> => Promise.resolve(void chunks.push(Buffer.from(chunk)));
  await exportTar(repository, commit, take, options);
  return Buffer.concat(chunks);
}

/** The program's standard output; its standard error only where it fails. */
export function run(program: string, args: readonly string[], input?: Uint8Array): string {
  const stdio = [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] as const;
  return execFileSync(program, args, { env: ENV, encoding: "utf8", stdio: [...stdio], input, maxBuffer: 2 ** 26 });
}
