/**
 * A tour with real data, for who has nothing but the program: keeps a copy of /etc, breaks it, sees what is broken, goes back,
 * and has a second opinion on the result. All of it in one new folder, which is removed whatever happens; nothing else is
 * written. Needs no root.
 */
import { randomBytes } from "node:crypto";
import os from "node:os";
import { displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { checkoutCommit } from "../../store/checkout/checkout.ts";
import { commitTree } from "../../store/commit.ts";
import type { Change } from "../../store/diff/change.ts";
import { diffCommitFolder } from "../../store/diff/diff.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../store/repository.ts";
import { exchangeAt, makeDirAt, removeTreeAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { type Damage, breakTree } from "./break-tree.ts";
import { type Fingerprint, differences, fingerprint } from "./fingerprint.ts";
import { type Sample, copySample } from "./sample-tree.ts";

export type TryStep = { readonly milliseconds: number } & (
  | { readonly name: "copy"; readonly sample: Sample; readonly folder: string }
  | { readonly name: "commit"; readonly commit: Checksum; readonly files: number; readonly bytes: number }
  | { readonly name: "break"; readonly damage: Damage }
  | { readonly name: "diff"; readonly changes: readonly Change[] }
  | { readonly name: "keep"; readonly commit: Checksum; readonly newFiles: number }
  | { readonly name: "rollback"; readonly commit: Checksum }
  | { readonly name: "verify"; readonly entries: number; readonly broken: number }
);

/** Yields each step when it is done. Throws `corrupt` where the second opinion finds a difference; `cancelled`. */
export async function* tryOut(observer: Observer = {}): AsyncGenerator<TryStep> {
  const folder = `${os.tmpdir()}/regrow-try-${randomBytes(6).toString("hex")}`;
  makeDirAt(CWD, folder, 0o700);
  try {
    yield* tour(folder, observer);
  } finally {
    removeTreeAt(CWD, folder);
  }
}

async function* tour(folder: string, observer: Observer): AsyncGenerator<TryStep> {
  const watch = stopwatch();
  const tree = `${folder}/tree`;
  makeDirAt(CWD, tree, 0o755);
  const sample = withFolder(tree, copySample);
  if (sample.files === 0) throw new RegrowError("refused", "There is nothing to try it with: no file in /etc can be read.");
  yield { name: "copy", folder, sample, milliseconds: watch() };
  // Archive: the one mode that asks nothing of the file system.
  initRepository(`${folder}/repo`, { mode: "archive" });
  const repository = openRepository(`${folder}/repo`);
  try {
    yield* breakAndMend({ repository, tree, observer });
  } finally {
    closeRepository(repository);
  }
}

interface Tour {
  readonly repository: Repository;
  readonly tree: string;
  readonly observer: Observer;
}

async function* breakAndMend({ repository, tree, observer }: Tour): AsyncGenerator<TryStep> {
  const before = withFolder(tree, fingerprint);
  const commitNow = (subject: string): ReturnType<typeof commitTree> =>
    commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: tree }], subject }, observer);
  let watch = stopwatch();
  const { commit, counts } = await commitNow("As it was");
  yield { name: "commit", commit, files: counts.files, bytes: counts.bytes, milliseconds: watch() };

  watch = stopwatch();
  const damage = withFolder(tree, breakTree);
  const broken = differences(before, withFolder(tree, fingerprint)).length;
  yield { name: "break", damage, milliseconds: watch() };

  watch = stopwatch();
  const { changes } = await diffCommitFolder(repository, commit, tree, observer);
  yield { name: "diff", changes, milliseconds: watch() };

  watch = stopwatch();
  const kept = await commitNow("Broken");
  yield { name: "keep", commit: kept.commit, newFiles: kept.counts.stagedFiles, milliseconds: watch() };

  watch = stopwatch();
  await checkoutCommit(repository, commit, `${tree}.back`, {}, observer);
  exchangeAt(CWD, tree, CWD, `${tree}.back`);
  yield { name: "rollback", commit, milliseconds: watch() };

  watch = stopwatch();
  const after = withFolder(tree, fingerprint);
  refuseDifference(before, after);
  yield { name: "verify", entries: after.size, broken, milliseconds: watch() };
}

function refuseDifference(before: Fingerprint, after: Fingerprint): void {
  const [first, ...more] = differences(before, after);
  if (first === undefined) return;
  const path = displayBytes(first);
  throw new RegrowError("corrupt", `${path}: is not what it was before, and ${more.length} others.`, {
    path,
    hint: "This is a mistake in regrow, or in the file system of the temporary folder: please report it.",
  });
}

function withFolder<T>(path: string, work: (fd: number) => T): T {
  const fd = openAt(CWD, path, O.RDONLY | O.DIRECTORY);
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

/** Milliseconds since now. */
function stopwatch(): () => number {
  const start = performance.now();
  return () => performance.now() - start;
}
