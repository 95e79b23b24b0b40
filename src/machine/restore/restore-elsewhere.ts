/**
 * Putting paths of a commit into a folder apart from the machine, each under the path that it has there: `/etc/ssh` becomes `DIR/etc/ssh`.
 * Nothing that is there is replaced, no link on the way is followed, and each path appears when it is complete.
 */
import { type ByteString, bytesOf } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { checkoutCommit } from "../../store/checkout/checkout.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import { fsyncFd } from "../../sys/durable.ts";
import { existsAt, makeDirs, tryMakeDirAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt, openBeneath, tryOpenAt } from "../../sys/open.ts";
import { plainPath, requireInCommit, splitPath } from "./restore-paths.ts";

export interface ElsewhereCall {
  readonly revision: string;
  /** Absolute, as the machine sees them. */
  readonly paths: readonly string[];
  /** The folder that they are put into; made where it is not there. */
  readonly to: string;
  /** Sees the plan. False ends it without an error. */
  readonly decide: (plan: ElsewherePlan) => Promise<boolean>;
}

export interface ElsewherePlan {
  readonly commit: Checksum;
  readonly to: string;
  /** With a slash in front, in the commit and in `to` alike. */
  readonly paths: readonly string[];
}

const FOLDER = O.RDONLY | O.DIRECTORY;

/** Throws `not-found` for a path that the commit hasn't, `exists` for one that `to` has, `hostile` where a link leads elsewhere, SystemError. */
export async function restoreElsewhere(
  repository: Repository,
  { revision, paths, to, decide }: ElsewhereCall,
  observer: Observer = {},
): Promise<ElsewherePlan> {
  const commit = resolveRevision(repository, revision);
  const wanted = outermost(paths.map(plainPath));
  for (const path of wanted) requireInCommit(repository, commit, path);
  refuseExisting(to, wanted);
  const plan = { commit, to, paths: wanted.map((path) => `/${path}`) };
  if (!(await decide(plan))) return plan;
  makeDirs(CWD, to, 0o755);
  const toFd = openAt(CWD, bytesOf(to), FOLDER);
  try {
    for (const path of wanted) await putInto(toFd, repository, commit, path, observer);
  } finally {
    closeFd(toFd);
  }
  return plan;
}

/** Without those that another one holds. */
function outermost(paths: readonly string[]): string[] {
  return [...new Set(paths)].filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

function refuseExisting(to: string, paths: readonly string[]): void {
  const toFd = tryOpenAt(CWD, bytesOf(to), FOLDER);
  if (toFd < 0) return;
  try {
    for (const path of paths) if (isThere(toFd, path)) throw pathExists(`${to}/${path}`);
  } finally {
    closeFd(toFd);
  }
}

function isThere(toFd: number, path: string): boolean {
  const { folder, name } = splitPath(path);
  let folderFd: number;
  try {
    folderFd = openBeneath(toFd, folder, FOLDER);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
  try {
    return existsAt(folderFd, name);
  } finally {
    closeFd(folderFd);
  }
}

async function putInto(toFd: number, repository: Repository, commit: Checksum, path: string, observer: Observer): Promise<void> {
  const { folder, name } = splitPath(path);
  const folderFd = makeFoldersBeneath(toFd, folder);
  try {
    await checkoutCommit(
      repository,
      commit,
      `/proc/self/fd/${folderFd}/${name}`,
      { subpath: `/${path}`, durable: true },
      observer,
    );
  } finally {
    closeFd(folderFd);
  }
}

/** The open folder. Those on the way belong to whoever runs this, since they are not what is restored. */
function makeFoldersBeneath(rootFd: number, path: ByteString): number {
  let at = openBeneath(rootFd, "" as ByteString, FOLDER);
  for (const name of path.split("/").filter((piece) => piece !== "") as ByteString[]) {
    const above = at;
    try {
      if (tryMakeDirAt(above, name, 0o755)) fsyncFd(above);
      at = openBeneath(above, name, FOLDER);
    } finally {
      closeFd(above);
    }
  }
  return at;
}

function pathExists(path: string): RegrowError {
  return new RegrowError("exists", `${path}: exists already.`, { path, hint: "Name another folder, or move it away." });
}
