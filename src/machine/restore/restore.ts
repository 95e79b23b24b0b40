/**
 * Putting single paths of a machine back. The machine as it is is committed first; then each path is checked out beside its place and
 * takes it with one exchange of names, so that it is the old or the new one whenever it is cut.
 */
import { type ByteString, bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { checkoutCommit } from "../../store/checkout/checkout.ts";
import { type Repository, withRepository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import { listSubvolumes } from "../../sys/btrfs/list-subvolumes.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { exchangeAt, existsAt, makeDirAt, removeTreeAt, renameNoReplaceAt } from "../../sys/names.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import { settleOperations } from "../rollback/settle-operations.ts";
import { beginRestore, endRestore } from "./settle-restore.ts";
import { commitLocked } from "../capture/commit-machine.ts";
import { HOME_FOLDER, repositoryIn } from "../sysroot/home.ts";
import type { Machine } from "../sysroot/machine.ts";
import { withMachineLock } from "../sysroot/machine-lock.ts";
import { plainPath, requireInCommit, splitPath } from "./restore-paths.ts";

export interface RestoreCall {
  readonly revision: string;
  /** Absolute, as the machine sees them. */
  readonly paths: readonly string[];
  /** Sees the plan. False ends it without an error. */
  readonly decide: (plan: RestorePlan) => Promise<boolean>;
}

export interface RestorePlan {
  readonly commit: Checksum;
  readonly paths: readonly { readonly path: string; readonly replaces: boolean }[];
}

export interface RestoreResult {
  readonly plan: RestorePlan;
  /** The machine as it was before; undefined where it was decided not to. */
  readonly before: Checksum | undefined;
}

/** Throws `not-found` for a path that the commit hasn't, `refused` where something is mounted or nested there, and what a commit throws. */
export async function restore(machine: Machine, call: RestoreCall, observer: Observer = {}): Promise<RestoreResult> {
  return withMachineLock(machine, observer.signal, (homeFd) =>
    withRepository(repositoryIn(homeFd), async (repository) => {
      await settleOperations(machine, homeFd);
      const commit = resolveRevision(repository, call.revision);
      const paths = call.paths.map((path) => plainPath(path));
      for (const path of paths) refuseImpossible(machine, repository, commit, path);
      const plan = { commit, paths: paths.map((path) => ({ path: `/${path}`, replaces: isThere(machine.rootFd, path) })) };
      if (!(await call.decide(plan))) return { plan, before: undefined };
      const subject = `Before restoring ${plan.paths.map(({ path }) => path).join(" ")} of ${commit.slice(0, 10)}`;
      const before = await commitLocked(machine, homeFd, { subject: subject.slice(0, 200) }, observer);
      beginRestore(
        homeFd,
        paths.map((path) => splitPath(path).folder),
      );
      for (const path of paths) await putBack(machine.rootFd, repository, commit, path, observer);
      endRestore(homeFd);
      return { plan, before: before.commit };
    }),
  );
}

function refuseImpossible(machine: Machine, repository: Repository, commit: Checksum, path: string): void {
  requireInCommit(repository, commit, path);
  refuseHome(machine, path);
  const inside = [...machine.mounts.keys(), ...nestedPaths(machine)].find((at) => at === path || at.startsWith(`${path}/`));
  if (inside === undefined) return;
  throw new RegrowError("refused", `/${path}: /${displayBytes(inside)} in it is a file system or subvolume of its own.`, {
    path: `/${path}`,
    hint: "Restore the folders and files in it one by one.",
  });
}

/** Where there are no subvolumes the repository is in the root itself, and would go with what is replaced. */
function refuseHome({ homePlace }: Machine, path: string): void {
  if (homePlace.kind !== "folder" || !(`${HOME_FOLDER}/`.startsWith(`${path}/`) || path.startsWith(`${HOME_FOLDER}/`))) return;
  throw new RegrowError("refused", `/${path}: regrow's own repository is there, at /${HOME_FOLDER}.`, {
    path: `/${path}`,
    hint: "Restore the other folders and files in it one by one.",
  });
}

function nestedPaths({ btrfs }: Machine): ByteString[] {
  if (btrfs === undefined) return [];
  const start = `${btrfs.rootPath}/`;
  return listSubvolumes(btrfs.topFd)
    .filter(({ path }) => path.startsWith(start))
    .map(({ path }) => path.slice(start.length) as ByteString);
}

async function putBack(
  rootFd: number,
  repository: Repository,
  commit: Checksum,
  path: string,
  observer: Observer,
): Promise<void> {
  const { folder, name } = splitPath(path);
  const folderFd = openParent(rootFd, folder, path);
  try {
    const aside = bytesOf(temporaryName("regrow-restore"));
    // A folder of its own, in which the checkout may leave what it likes.
    makeDirAt(folderFd, aside, 0o700);
    const made = `${aside}/made` as ByteString;
    try {
      const target = `/proc/self/fd/${folderFd}/${made}`;
      await checkoutCommit(repository, commit, target, { subpath: `/${path}`, userMode: false }, observer);
      syncFileSystem(folderFd);
      if (!renameNoReplaceAt(folderFd, made, folderFd, name)) exchangeAt(folderFd, made, folderFd, name);
      syncFileSystem(folderFd);
    } finally {
      // What was there until now is in the commit that was made before.
      removeTreeAt(folderFd, aside);
    }
  } finally {
    closeFd(folderFd);
  }
}

function openParent(rootFd: number, folder: ByteString, path: string): number {
  try {
    return openBeneath(rootFd, folder, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
    throw new RegrowError("not-found", `/${path}: the folder that it was in is not there.`, {
      path: `/${path}`,
      hint: `Restore that: /${displayBytes(folder)}.`,
      cause: error,
    });
  }
}

function isThere(rootFd: number, path: string): boolean {
  const { folder, name } = splitPath(path);
  const folderFd = openParent(rootFd, folder, path);
  try {
    return existsAt(folderFd, name);
  } finally {
    closeFd(folderFd);
  }
}
