/**
 * The difference of two snapshots of one subvolume, by what btrfs itself says has changed: it costs what changed, where comparing two
 * folders costs what they hold.
 */
import { bytesOf } from "../base/byte-string.ts";
import type { StreamChange } from "../codec/btrfs-send/changes/change.ts";
import type { Change } from "../store/diff/change.ts";
import { type SubvolumeInfo, subvolumeInfo } from "../sys/btrfs.ts";
import { CWD, O, closeFd, openAt } from "../sys/open.ts";
import { compareReplaced } from "./compare-replaced.ts";
import { readSnapshotChanges } from "../volume/btrfs/snapshot-changes.ts";

/** Whether both folders are read-only subvolumes of which one is a snapshot of the other, or both of a third; and the user is root. */
export function areRelatedSnapshots(before: string, after: string): boolean {
  if (process.geteuid!() !== 0) return false;
  const [a, b] = [infoOf(before), infoOf(after)];
  if (a?.isReadOnly !== true || b?.isReadOnly !== true) return false;
  const [ofA, ofB] = [lineOf(a), lineOf(b)];
  return ofA.some((uuid) => ofB.includes(uuid));
}

/** Throws `unsupported`, `cancelled`, SystemError. */
export async function diffSnapshots(before: string, after: string, signal?: AbortSignal): Promise<{ changes: Change[] }> {
  const { changes } = await readSnapshotChanges(before, after, signal);
  return { changes: withReplaced(before, after, changes.flatMap(asChange)) };
}

/** A file that was removed and one that was added under the same name are one change, or none. */
function withReplaced(before: string, after: string, changes: readonly Change[]): Change[] {
  const added = new Set(changes.filter(({ kind }) => kind === "added").map(({ path }) => path));
  const removed = new Set(changes.filter(({ kind }) => kind === "removed").map(({ path }) => path));
  const isReplaced = ({ kind, path }: Change): boolean =>
    (kind === "added" && removed.has(path)) || (kind === "removed" && added.has(path));
  if (!changes.some(isReplaced)) return [...changes];
  return inBoth(before, after, (beforeFd, afterFd) =>
    changes.flatMap((change): Change[] => {
      if (!isReplaced(change)) return [change];
      if (change.kind === "removed") return [];
      const what = compareReplaced(beforeFd, afterFd, change.path);
      return what.length === 0 ? [] : [{ kind: "modified", path: change.path, type: change.type, what }];
    }),
  );
}

function inBoth<T>(before: string, after: string, work: (beforeFd: number, afterFd: number) => T): T {
  const beforeFd = openAt(CWD, bytesOf(before), O.RDONLY | O.DIRECTORY);
  try {
    const afterFd = openAt(CWD, bytesOf(after), O.RDONLY | O.DIRECTORY);
    try {
      return work(beforeFd, afterFd);
    } finally {
      closeFd(afterFd);
    }
  } finally {
    closeFd(beforeFd);
  }
}

/** Itself and what it came from. */
function lineOf({ uuid, parentUuid, receivedUuid }: SubvolumeInfo): string[] {
  return [uuid, parentUuid, receivedUuid].filter((one) => one !== undefined);
}

function infoOf(path: string): SubvolumeInfo | undefined {
  const fd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  try {
    return subvolumeInfo(fd);
  } finally {
    closeFd(fd);
  }
}

/** Sockets are no part of what regrow keeps. */
function asChange(change: StreamChange): Change[] {
  const { type, path } = change;
  if (type === "socket") return [];
  if (change.kind === "removed") return [{ kind: "removed", path, type, what: [] }];
  const { kind, what } = change;
  if (kind === "added") return [{ kind, path, type, what: [] }];
  return [kind === "renamed" ? { kind, path, from: change.from, type, what } : { kind, path, type, what }];
}
