/** What pins space: for each commit, the bytes that no other commit needs. */
import type { Observer } from "../../base/events.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { ObjectName } from "../../codec/ostree/object-name.ts";
import { whileObjectsHeld } from "../hold-objects.ts";
import { indexObjects } from "../list-objects.ts";
import { loadCommit, loadDirTree } from "../object-files.ts";
import { listPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { sidecarCommitOf } from "../tree/folder-view.ts";
import { type SpaceBounds, measureObjects } from "./object-space.ts";

export interface PinnedSpace {
  readonly commit: Checksum;
  readonly timestamp: number;
  readonly subject: string;
  /** What comes free when this one commit loses its tree; its sidecar is counted with it. */
  readonly own: SpaceBounds;
}

export interface PinnedReport {
  /** Of each commit that has its tree; the one that holds most comes first. */
  readonly commits: readonly PinnedSpace[];
  /** What several commits need. */
  readonly shared: SpaceBounds;
}

/** Several commits need it. */
const SHARED = -1;
type Owners = Record<"file" | "dirtree" | "dirmeta", Map<Checksum, number>>;

/** Throws `not-found`, `corrupt`, `locked`, `cancelled`. */
export async function pinnedSpace(repository: Repository, observer: Observer = {}): Promise<PinnedReport> {
  return whileObjectsHeld(repository, observer.signal, () => {
    const index = indexObjects(repository);
    const partial = listPartial(repository);
    const whole = [...index.commit].filter((commit) => !partial.has(commit));
    const loaded = new Map(whole.map((commit) => [commit, loadCommit(repository, commit)]));
    const sidecars = new Set([...loaded.values()].map(sidecarCommitOf));
    const commits = whole.filter((commit) => !sidecars.has(commit));
    const owners: Owners = { file: new Map(), dirtree: new Map(), dirmeta: new Map() };
    for (const [number, checksum] of commits.entries()) {
      const commit = loaded.get(checksum)!;
      const sidecar = sidecarCommitOf(commit);
      enter(repository, commit, number, owners, observer.signal);
      const ofSidecar = sidecar === undefined ? undefined : loaded.get(sidecar);
      if (ofSidecar !== undefined) enter(repository, ofSidecar, number, owners, observer.signal);
    }
    const objects = byOwner(owners);
    const measured = (number: number): SpaceBounds =>
      measureObjects(repository, objects.get(number) ?? [], { lookForSharing: true });
    const list = commits.map((commit, number) => {
      const { timestamp, subject } = loaded.get(commit)!;
      return { commit, timestamp, subject, own: measured(number) };
    });
    return { commits: list.sort((a, b) => b.own.most - a.own.most || b.timestamp - a.timestamp), shared: measured(SHARED) };
  });
}

/** Each folder is read twice at the most: for who needs it first, and once more when it turns out that somebody else needs it too. */
function enter(
  repository: Repository,
  commit: { readonly tree: Checksum; readonly meta: Checksum },
  number: number,
  owners: Owners,
  signal: AbortSignal | undefined,
): void {
  claim(owners.dirmeta, commit.meta, number);
  const open = [commit.tree];
  for (let tree = open.pop(); tree !== undefined; tree = open.pop()) {
    throwIfCancelled(signal);
    if (!claim(owners.dirtree, tree, number)) continue;
    const { files, dirs } = loadDirTree(repository, tree);
    for (const { checksum } of files) claim(owners.file, checksum, number);
    for (const dir of dirs) {
      claim(owners.dirmeta, dir.meta, number);
      open.push(dir.tree);
    }
  }
}

/** False where nothing has changed by it. */
function claim(owners: Map<Checksum, number>, checksum: Checksum, number: number): boolean {
  const before = owners.get(checksum);
  if (before === SHARED || before === number) return false;
  owners.set(checksum, before === undefined ? number : SHARED);
  return true;
}

function byOwner(owners: Owners): Map<number, ObjectName[]> {
  const lists = new Map<number, ObjectName[]>();
  for (const kind of ["file", "dirtree", "dirmeta"] as const) {
    for (const [checksum, owner] of owners[kind]) {
      const list = lists.get(owner);
      if (list === undefined) lists.set(owner, [{ kind, checksum }]);
      else list.push({ kind, checksum });
    }
  }
  return lists;
}
