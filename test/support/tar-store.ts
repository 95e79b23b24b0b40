/** Commits of folders and archives, and archives of commits. */
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type CommitOptions, type CommitSource, commitTree } from "../../src/store/commit.ts";
import { loadCommit } from "../../src/store/object-files.ts";
import type { Repository } from "../../src/store/repository.ts";
import { exportTar, type ExportOptions } from "../../src/store/tar/export-tar.ts";
import { sidecarCommitOf } from "../../src/store/tree/folder-view.ts";

/** What a commit holds: the same for two commits of the same things, whoever made them. */
export interface Digest {
  readonly commit: Checksum;
  readonly tree: Checksum;
  readonly meta: Checksum;
  readonly sidecar: Checksum | undefined;
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
