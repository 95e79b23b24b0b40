/**
 * Committing a machine: on btrfs a snapshot of the root is taken, which is one instant, and becomes the commit; it stays beside it, so
 * that the next one costs what has changed. Elsewhere the files are read as they are, and those that the cache knows are not.
 */
import { bytesOf } from "../../base/byte-string.ts";
import type { Observer } from "../../base/events.ts";
import type { Variant } from "../../codec/gvariant/value.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type CommitResult, commitTree } from "../../store/commit.ts";
import type { FinishOptions } from "../../store/finish-commit.ts";
import { hasObject, loadCommit } from "../../store/object-files.ts";
import { listRefs, readRef } from "../../store/refs.ts";
import { type Repository, withRepository } from "../../store/repository.ts";
import { closeFd } from "../../sys/open.ts";
import { settleOperations } from "../rollback/settle-operations.ts";
import { describeMachine, machineMetadata } from "../sysroot/describe-machine.ts";
import { repositoryIn } from "../sysroot/home.ts";
import type { Machine } from "../sysroot/machine.ts";
import { withMachineLock } from "../sysroot/machine-lock.ts";
import {
  type NewSnapshot,
  dropSnapshot,
  keepSnapshot,
  listSnapshots,
  openSnapshot,
  removeUnfinished,
  takeSnapshot,
} from "./base-snapshots.ts";
import { captureBoot } from "./capture-boot.ts";
import { commitSnapshot } from "./commit-snapshot.ts";

export interface MachineCommitOptions {
  /** Undefined: the one of the machine's configuration. */
  readonly branch?: string | undefined;
  readonly subject?: string | undefined;
  readonly body?: string | undefined;
  /** Further metadata. */
  readonly metadata?: readonly (readonly [string, Variant])[] | undefined;
  readonly timestamp?: number | undefined;
  /** Make a full scan as well, and compare, before anything is published. Only where there are snapshots. */
  readonly verify?: boolean | undefined;
  /** A new commit even where nothing has changed. */
  readonly allowUnchanged?: boolean | undefined;
}

/** Throws `no-repository` where the machine is not set up, `locked`, `no-space`, `refused`, `cancelled`, SystemError. */
export async function commitMachine(
  machine: Machine,
  options: MachineCommitOptions,
  observer: Observer = {},
): Promise<CommitResult> {
  return withMachineLock(machine, observer.signal, async (homeFd) => {
    await settleOperations(machine, homeFd);
    return commitLocked(machine, homeFd, options, observer);
  });
}

/** The same for who holds the machine's lock. */
export async function commitLocked(
  machine: Machine,
  homeFd: number,
  options: MachineCommitOptions,
  observer: Observer,
): Promise<CommitResult> {
  const finish = await finishOptions(machine, options);
  captureBoot(machine, homeFd, options.verify === true, observer);
  return withRepository(repositoryIn(homeFd), (repository) =>
    machine.btrfs === undefined
      ? commitFolder(machine, repository, finish, observer)
      : commitRoot(homeFd, machine.rootFd, repository, { ...finish, verify: options.verify === true }, observer),
  );
}

async function finishOptions(machine: Machine, options: MachineCommitOptions): Promise<FinishOptions> {
  const described = machineMetadata(await describeMachine(machine));
  return {
    branch: options.branch ?? machine.config.branch,
    subject: options.subject,
    body: options.body,
    timestamp: options.timestamp,
    metadata: [...described, ...(options.metadata ?? [])],
    skipUnchanged: options.allowUnchanged !== true,
  };
}

function commitFolder(
  machine: Machine,
  repository: Repository,
  finish: FinishOptions,
  observer: Observer,
): Promise<CommitResult> {
  const sources = [{ kind: "dir", path: machine.sysroot }] as const;
  return commitTree(repository, { ...finish, sources, oneFileSystem: true }, observer);
}

/** How many of the last commits keep their snapshot: each holds the blocks that have changed since. */
const MOST_SNAPSHOTS = 10;

/** Their trees stay in the repository. A snapshot that a branch or a tag names stays too. */
function trimSnapshots(homeFd: number, repository: Repository, tip: Checksum): void {
  const wanted = new Set<Checksum>(listRefs(repository).map(({ commit }) => commit));
  let at: Checksum | undefined = tip;
  for (let count = 0; at !== undefined && count < MOST_SNAPSHOTS; count++) {
    wanted.add(at);
    at = hasObject(repository, "commit", at) ? loadCommit(repository, at).parent : undefined;
  }
  for (const commit of listSnapshots(homeFd)) if (!wanted.has(commit)) dropSnapshot(homeFd, bytesOf(commit));
}

/** By a snapshot of the open subvolume, which stays beside the commit. For who holds the machine's lock. */
export async function commitRoot(
  homeFd: number,
  rootFd: number,
  repository: Repository,
  finish: FinishOptions & { readonly verify: boolean },
  observer: Observer,
): Promise<CommitResult> {
  removeUnfinished(homeFd);
  const tip = readRef(repository, finish.branch!);
  // First of all: it is the instant that is committed, and it flushes what may have been written into the other.
  const snapshot = takeSnapshot(homeFd, rootFd);
  try {
    const result = await commitBeside(homeFd, snapshot, repository, tip, finish, observer);
    keepSnapshot(homeFd, snapshot, result.commit);
    trimSnapshots(homeFd, repository, result.commit);
    return result;
  } catch (error) {
    dropSnapshot(homeFd, snapshot.name);
    throw error;
  } finally {
    closeFd(snapshot.fd);
  }
}

async function commitBeside(
  homeFd: number,
  snapshot: NewSnapshot,
  repository: Repository,
  tip: Checksum | undefined,
  finish: FinishOptions & { readonly verify: boolean },
  observer: Observer,
): Promise<CommitResult> {
  const base = tip === undefined ? undefined : openSnapshot(homeFd, tip, observer);
  try {
    const from = base === undefined ? undefined : { commit: tip!, snapshot: base.path };
    return await commitSnapshot(repository, { ...finish, after: snapshot.path, base: from, oneFileSystem: true }, observer);
  } finally {
    if (base !== undefined) closeFd(base.fd);
  }
}
