/**
 * Checking a commit out into a folder. A new folder appears under its name only when it is complete; a cut leaves nothing but
 * a folder `.NAME.regrow-….partial` beside it, which the next checkout to that name removes. In a union, files are replaced one by one, each atomically.
 */
import { type ByteString, EMPTY, bytesOf, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { type Observer, notice } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { existsAt, makeDirs, removeTreeAt, renameNoReplaceAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { statFd } from "../../sys/stat.ts";
import { loadCommit } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { findEntry } from "../tree/find-entry.ts";
import { type SidecarRef, rootSidecar } from "../tree/folder-view.ts";
import { type CheckoutProgress, type CheckoutSettings, type FolderTask, emptyProgress } from "./checkout-state.ts";
import { type FilledTree, fillTree } from "./fill-tree.ts";
import { dropLastFlags, putLastFlags } from "./finish-later.ts";
import { makePartialFolder, removeDeadPartials } from "./partial-folder.ts";
import { placeFile } from "./place-file.ts";
import { enterUnionFolder } from "./union-folder.ts";

export interface CheckoutOptions {
  /** Link files to the repository's own: fast and small, but who writes into one damages the repository. */
  readonly hardlink?: boolean | undefined;
  /** Owners and attributes are left alone. Default: where the user is not root. */
  readonly userMode?: boolean | undefined;
  /** Only what is at this path of the commit, a folder or a file. */
  readonly subpath?: string | undefined;
  /** Lay the commit over an existing folder. */
  readonly union?: boolean | undefined;
  /** False leaves out what only the sidecar knows: times, flags, hard links, devices. */
  readonly sidecar?: boolean | undefined;
  /** Compare each file with its checksum on the way. */
  readonly verify?: boolean | undefined;
  /** Flush everything to the disk before returning. */
  readonly durable?: boolean | undefined;
  readonly workers?: number | undefined;
}

/** Throws `exists` where the target is there and no union was asked for, `not-found`, `corrupt`, `unsupported`, SystemError. */
export async function checkoutCommit(
  repository: Repository,
  commit: Checksum,
  target: string,
  options: CheckoutOptions = {},
  observer: Observer = {},
): Promise<CheckoutProgress> {
  refuseImpossible(repository, options);
  const start = startTask(repository, commit, options);
  if (start.kind === "file") return checkoutFile(repository, start, target, options);
  if (options.union !== true || !existsAt(CWD, bytesOf(target)))
    return checkoutNew(repository, start.task, target, options, observer);
  const rootFd = openAt(CWD, bytesOf(target), O.RDONLY | O.DIRECTORY);
  try {
    return await fillOpenFolder(repository, { ...start.task, existed: true }, rootFd, options, observer);
  } finally {
    closeFd(rootFd);
  }
}

/** Checks a commit out into an open, empty folder that belongs to the caller, such as the root of a new file system. */
export async function checkoutInto(
  repository: Repository,
  commit: Checksum,
  rootFd: number,
  options: CheckoutOptions = {},
  observer: Observer = {},
): Promise<CheckoutProgress> {
  refuseImpossible(repository, options);
  const start = startTask(repository, commit, options);
  if (start.kind === "file")
    throw new RegrowError("unsupported", `${options.subpath}: is no folder.`, { path: options.subpath ?? "" });
  return fillOpenFolder(repository, start.task, rootFd, options, observer);
}

async function fillOpenFolder(
  repository: Repository,
  task: FolderTask,
  rootFd: number,
  options: CheckoutOptions,
  observer: Observer,
): Promise<CheckoutProgress> {
  const settings = settingsFor(repository, rootFd, options);
  const filled = await fillTree(settings, task, options.workers, observer);
  putLastFlags(settings, filled.finishes, filled.progress);
  if (options.durable === true) syncFileSystem(rootFd);
  tellLosses(observer, filled.progress);
  return filled.progress;
}

async function checkoutNew(
  repository: Repository,
  task: FolderTask,
  target: string,
  options: CheckoutOptions,
  observer: Observer,
): Promise<CheckoutProgress> {
  const { parent, name } = splitTarget(target);
  if (options.union === true) makeDirs(CWD, parent, 0o755);
  const parentFd = openAt(CWD, bytesOf(parent), O.RDONLY | O.DIRECTORY);
  try {
    if (existsAt(parentFd, bytesOf(name))) throw targetExists(target);
    for (const leftOver of removeDeadPartials(parentFd, bytesOf(name))) {
      const path = `${parent}/${displayBytes(leftOver)}`;
      notice(observer, "left-over", `${path}: a checkout that was killed has left it, and it can't be removed`, path);
    }
    const partial = makePartialFolder(parentFd, bytesOf(name));
    try {
      const settings = { ...settingsFor(repository, partial.fd, options), union: false };
      const filled = await fillTree(settings, task, options.workers, observer);
      publish(settings, filled, () => {
        // Before it has its name: a cut must not leave files without content under it.
        if (options.durable === true) syncFileSystem(partial.fd);
        if (!renameNoReplaceAt(parentFd, partial.name, parentFd, bytesOf(name))) throw targetExists(target);
      });
      if (options.durable === true) syncFileSystem(parentFd);
      tellLosses(observer, filled.progress);
      return filled.progress;
    } catch (error) {
      removeTreeAt(parentFd, partial.name);
      throw error;
    } finally {
      closeFd(partial.fd);
    }
  } finally {
    closeFd(parentFd);
  }
}

/** Gives the complete folder its name. An immutable folder can't be renamed, so its own last flags come after that. */
function publish(settings: CheckoutSettings, { finishes, progress }: FilledTree, rename: () => void): void {
  const root = finishes.filter(({ path }) => path === "");
  const below = finishes.filter(({ path }) => path !== "");
  try {
    putLastFlags(settings, below, progress);
    rename();
  } catch (error) {
    dropLastFlags(settings, below);
    throw error;
  }
  putLastFlags(settings, root, progress);
}

type Start =
  | { readonly kind: "folder"; readonly task: FolderTask }
  | { readonly kind: "file"; readonly checksum: Checksum; readonly record: Parameters<typeof placeFile>[4] };

function startTask(repository: Repository, commit: Checksum, options: CheckoutOptions): Start {
  const root = loadCommit(repository, commit);
  const sidecar: SidecarRef = options.sidecar === false ? undefined : rootSidecar(repository, root);
  const found = findEntry(repository, { tree: root.tree, meta: root.meta, sidecar }, options.subpath ?? "");
  if (found.kind === "folder") return { kind: "folder", task: { ...found, kind: "folder", path: EMPTY, existed: false } };
  if (found.kind === "file") return { kind: "file", checksum: found.checksum, record: found.record };
  throw new RegrowError("unsupported", `${options.subpath}: is a device or FIFO.`, {
    hint: "Check out the folder that holds it.",
  });
}

async function checkoutFile(
  repository: Repository,
  start: Start & { kind: "file" },
  target: string,
  options: CheckoutOptions,
): Promise<CheckoutProgress> {
  const { parent, name } = splitTarget(target);
  const rootFd = openAt(CWD, bytesOf(parent), O.RDONLY | O.DIRECTORY);
  try {
    if (options.union !== true && existsAt(rootFd, bytesOf(name))) throw targetExists(target);
    enterUnionFolder(rootFd);
    const progress = emptyProgress();
    const settings = { ...settingsFor(repository, rootFd, options), union: true };
    await placeFile(settings, rootFd, bytesOf(name), start.checksum, start.record, progress);
    if (options.durable === true) syncFileSystem(rootFd);
    return { ...progress, files: 1 };
  } finally {
    closeFd(rootFd);
  }
}

function settingsFor(repository: Repository, rootFd: number, options: CheckoutOptions): CheckoutSettings {
  const root = statFd(rootFd);
  const uid = process.geteuid!();
  const gid = process.getegid!();
  return {
    repository,
    rootFd,
    hardlink: options.hardlink === true,
    userMode: options.userMode ?? uid !== 0,
    uid,
    gid,
    union: options.union === true,
    verify: options.verify === true,
    inheritsGroup: options.union === true || root.gid !== gid || (root.mode & 0o2000) !== 0,
    subpath: normalPath(options.subpath ?? ""),
  };
}

function normalPath(path: string): ByteString {
  const pieces = path.split("/").filter((piece) => piece !== "" && piece !== ".");
  return bytesOf(pieces.join("/"));
}

function refuseImpossible(repository: Repository, options: CheckoutOptions): void {
  const { mode } = repository.config;
  if (options.hardlink !== true || mode === "bare" || mode === "bare-user-only") return;
  throw new RegrowError("unsupported", `A repository of mode ${mode} keeps no files that a checkout could link to.`, {
    hint: "Check out without -H, or use a repository of mode bare.",
  });
}

function tellLosses(observer: Observer, progress: CheckoutProgress): void {
  if (progress.skippedNodes > 0)
    notice(observer, "nodes", `${progress.skippedNodes} device nodes were left out: only root can make them`);
  if (progress.refusedFlags > 0)
    notice(observer, "flags", `the file system refused the inode flags of ${progress.refusedFlags} files`);
}

function splitTarget(target: string): { parent: string; name: string } {
  const trimmed = target.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  const name = trimmed.slice(slash + 1);
  if (name === "" || name === "." || name === "..") throw targetExists(target);
  return { parent: slash < 0 ? "." : trimmed.slice(0, slash) || "/", name };
}

function targetExists(target: string): RegrowError {
  return new RegrowError("exists", `${target}: exists already.`, {
    path: target,
    hint: "Name a folder that does not exist yet, or lay it over with --union.",
  });
}
