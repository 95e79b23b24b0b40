/**
 * The commit of a read-only btrfs snapshot, in the time that its changes take where there is a snapshot of the commit before. The
 * result is the same as that of a full scan; where the changes can't be told, that is what is made, and a notice says why.
 */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { FinishOptions } from "../../store/finish-commit.ts";
import { baseObstacle } from "../../store/incremental/base-obstacle.ts";
import { type ChangesCommit, type KnownBase, type MissingBase, commitChanges } from "../../store/incremental/commit-changes.ts";
import type { Repository } from "../../store/repository.ts";
import { type ScanOptions, scanOptionsOf } from "../../store/scan/scan-options.ts";
import { subvolumeInfo } from "../../sys/btrfs.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { readSnapshotChanges } from "../../volume/btrfs/snapshot-changes.ts";
import { snapshotTreeChanges } from "./snapshot-tree-changes.ts";

export interface CommitSnapshotOptions extends Partial<ScanOptions>, FinishOptions {
  /** The snapshot that is to be committed: the root of a read-only subvolume. */
  readonly after: string;
  /** A commit, and a read-only snapshot of the same subvolume that holds exactly its tree. It need not be the parent. */
  readonly base?: SnapshotBase | undefined;
  /** Make a full scan as well, and compare, before anything is published. */
  readonly verify?: boolean | undefined;
  readonly workers?: number | undefined;
}

export interface SnapshotBase {
  readonly commit: Checksum;
  readonly snapshot: string;
}

/**
 * Needs root. Throws `refused` where `after` is no read-only subvolume, `verification` where `verify` finds a difference to a full
 * scan; `usage`, `locked`, `conflict`, `no-space`, `cancelled`, SystemError. Nothing of a failed commit stays.
 */
export async function commitSnapshot(
  repository: Repository,
  options: CommitSnapshotOptions,
  observer: Observer = {},
): Promise<ChangesCommit> {
  const { after, base, ...rest } = options;
  const afterFd = openAt(CWD, bytesOf(after), O.RDONLY | O.DIRECTORY);
  try {
    if (subvolumeInfo(afterFd)?.isReadOnly !== true) throw noSnapshot(after);
    const known = base === undefined ? undefined : await knownBase(repository, options, base, afterFd, observer);
    return await commitChanges(repository, { ...rest, path: after, base: known }, observer);
  } finally {
    closeFd(afterFd);
  }
}

async function knownBase(
  repository: Repository,
  options: CommitSnapshotOptions,
  { commit, snapshot }: SnapshotBase,
  afterFd: number,
  { signal }: Observer,
): Promise<KnownBase | MissingBase> {
  // Before btrfs is asked.
  const obstacle = baseObstacle(repository, commit, scanOptionsOf(repository, options));
  if (obstacle !== undefined) return { obstacle };
  try {
    const set = await readSnapshotChanges(snapshot, options.after, signal);
    const beforeFd = openAt(CWD, bytesOf(snapshot), O.RDONLY | O.DIRECTORY);
    try {
      return { commit, changes: snapshotTreeChanges(set, beforeFd, afterFd) };
    } finally {
      closeFd(beforeFd);
    }
  } catch (error) {
    // Whatever it is, what is to be committed can still be read.
    if (!(error instanceof RegrowError) || error.code === "cancelled") throw error;
    return { obstacle: error.message };
  }
}

function noSnapshot(path: string): RegrowError {
  return new RegrowError("refused", `${path}: is no read-only subvolume of btrfs.`, {
    path,
    hint: "Make one: `btrfs subvolume snapshot -r SUBVOLUME SNAPSHOT`.",
  });
}
