/**
 * Pull and push: bringing commits with all that belongs to them from one repository into another.
 *
 * The order is what makes it safe to cut at any point: content in parts, each durable before it becomes visible; then folders and
 * detached metadata; then commits (those without a tree marked as partial before); then all refs and their companions together.
 * So a commit that is visible is whole, and what has come before a cut is not fetched again.
 */
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { statFd } from "../../sys/stat.ts";
import { startPool } from "../../sys/worker-pool.ts";
import type { Repository } from "../repository.ts";
import { type Transaction, withTransaction } from "../transaction.ts";
import { fetchContent } from "./fetch-content.ts";
import { stageCommits, stageTrees } from "./fetch-metadata.ts";
import { movePulledRefs } from "./move-pulled-refs.ts";
import { refusedObjects } from "./name-damage.ts";
import { type ObjectSource, repositorySource } from "./object-source.ts";
import { type WantedRef, planRefs, wantedRefs } from "./plan-refs.ts";
import type { PullOptions, PullReport, RefUpdate } from "./pull-options.ts";
import { type WalkedCommit, walkHistory } from "./walk-history.ts";
import { type TreePlan, walkTrees } from "./walk-trees.ts";

interface PullPlan extends TreePlan {
  readonly wanted: readonly WantedRef[];
  readonly refs: readonly RefUpdate[];
  readonly walked: readonly WalkedCommit[];
}

const DEFAULT_WORKERS = 2;
const DEFAULT_PUBLISH_BYTES = 256 * 1024 * 1024;

/**
 * Brings refs, their history, trees, sidecars and signatures into `target`. Objects are verified before they become visible.
 * Throws `not-found`, `corrupt`, `hostile`, `unsupported`, `refused` (a ref would lose commits), `no-space`, `locked`, `cancelled`.
 */
export async function pull(
  target: Repository,
  source: ObjectSource,
  options: PullOptions = {},
  observer: Observer = {},
): Promise<PullReport> {
  refuseItself(target, source);
  const release = await source.hold(observer.signal);
  try {
    if (options.dryRun === true) return reportOf(await plan(target, source, options, observer), true, 0);
    return await withTransaction(target, observer.signal, (transaction) => execute(transaction, source, options, observer));
  } finally {
    release();
  }
}

/** A pull by the other side: brings what `source` has into `target`. */
export function push(
  source: Repository,
  target: Repository,
  options: PullOptions = {},
  observer: Observer = {},
): Promise<PullReport> {
  return pull(target, repositorySource(source), options, observer);
}

async function plan(target: Repository, source: ObjectSource, options: PullOptions, observer: Observer): Promise<PullPlan> {
  const { signal } = observer;
  const wanted = await wantedRefs(source, options);
  const refs = await planRefs(target, source, wanted, options.force === true);
  const tips = wanted.map(({ commit }) => commit);
  const walked = await walkHistory({ target, source, tips, depth: options.depth ?? -1, signal });
  const trees = await walkTrees({ target, source, walked, signal });
  return { wanted, refs, walked, ...trees };
}

async function execute(
  transaction: Transaction,
  source: ObjectSource,
  options: PullOptions,
  observer: Observer,
): Promise<PullReport> {
  const target = transaction.repository;
  const planned = await plan(target, source, options, observer);
  // Folders go first, to be published along with content: only a commit says that what it names is there.
  await stageTrees(transaction, source, planned.metadata, planned.walked);
  const writtenBytes = await fetchAll(transaction, source, planned, options, observer);
  throwIfCancelled(observer.signal);
  await stageCommits(transaction, source, planned.walked);
  throwIfCancelled(observer.signal);
  const refs = await movePulledRefs(target, source, planned.wanted, options.force === true);
  const thinned = thinnedOf(planned).length;
  if (thinned > 0) notice(observer, "thinned", `${thinned} commits came without their trees: the source has thinned them.`);
  return reportOf({ ...planned, refs }, false, writtenBytes);
}

async function fetchAll(
  transaction: Transaction,
  source: ObjectSource,
  planned: PullPlan,
  options: PullOptions,
  observer: Observer,
): Promise<number> {
  if (planned.content.length === 0) return 0;
  const workers = options.workers ?? DEFAULT_WORKERS;
  const pool = startPool({ workers });
  const stop = (): void => void pool.close();
  observer.signal?.addEventListener("abort", stop, { once: true });
  try {
    const publishBytes = isPicky(transaction.repository, source) ? Infinity : (options.publishBytes ?? DEFAULT_PUBLISH_BYTES);
    const request = { transaction, source, content: planned.content, link: options.link === true, pool, workers, publishBytes };
    const { writtenBytes, refused } = await fetchContent(request, observer);
    if (refused.length > 0) throw await refusedObjects(source, planned.walked, refused);
    return writtenBytes;
  } finally {
    observer.signal?.removeEventListener("abort", stop);
    await pool.close();
  }
}

/** Whether the target may refuse objects that are in order, which is to be known before anything of them is visible. */
function isPicky(target: Repository, source: ObjectSource): boolean {
  return target.config.mode === "bare-user-only" && source.repository?.config.mode !== "bare-user-only";
}

function reportOf({ refs, walked, metadata, content }: PullPlan, dryRun: boolean, writtenBytes: number): PullReport {
  const fetched = walked.filter(({ state }) => state === "fetch");
  return {
    dryRun,
    refs,
    commits: fetched.filter(({ isSidecar }) => !isSidecar).length,
    thinned: thinnedOf({ walked }).length,
    metadataObjects: metadata.length + fetched.length,
    contentObjects: content.length,
    contentBytes: content.reduce((sum, { size }) => sum + size, 0),
    writtenBytes,
  };
}

function thinnedOf({ walked }: Pick<PullPlan, "walked">): readonly Checksum[] {
  return walked.filter(({ state }) => state === "thinned").map(({ checksum }) => checksum);
}

function refuseItself(target: Repository, { repository }: ObjectSource): void {
  if (repository === undefined) return;
  const [a, b] = [statFd(target.fd), statFd(repository.fd)];
  if (a.devMajor !== b.devMajor || a.devMinor !== b.devMinor || a.inoLow !== b.inoLow || a.inoHigh !== b.inoHigh) return;
  throw new RegrowError("usage", `${target.path}: is the same repository as ${repository.path}.`, { path: target.path });
}
