/**
 * Checking a commit out into a folder. A new folder appears under its name only when it is complete; a cut leaves nothing but
 * a folder `.NAME.PID.partial` beside it. In a union, files are replaced one by one, each atomically.
 */
import { EMPTY, bytesOf } from "../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { type Observer, notice, report } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { syncFileSystem, fsyncFd } from "../../sys/durable.ts";
import { existsAt, makeDirAt, makeDirs, removeTreeAt, renameNoReplaceAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { statFd } from "../../sys/stat.ts";
import { type WorkerPool, startPool } from "../../sys/worker-pool.ts";
import { loadCommit } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import { type SidecarRef, rootSidecar } from "../tree/folder-view.ts";
import { findEntry } from "../tree/find-entry.ts";
import {
  type CheckoutAnswer,
  type CheckoutJob,
  type CheckoutProgress,
  type CheckoutSettings,
  type CheckoutTask,
  type FolderTask,
  emptyProgress,
} from "./checkout-state.ts";
import { fillFolders } from "./fill-folder-job.ts";
import { finishLater, makePendingLinks } from "./finish-later.ts";
import { placeFile } from "./place-file.ts";

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

const DEFAULT_WORKERS = 2;
const FIRST_BUDGET = 64;
const BUDGET = 512;

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
  if (options.union === true) {
    makeDirs(CWD, target, 0o755);
    return fillTarget(repository, start.task, target, options, observer);
  }
  return checkoutNew(repository, start.task, target, options, observer);
}

async function checkoutNew(
  repository: Repository,
  task: FolderTask,
  target: string,
  options: CheckoutOptions,
  observer: Observer,
): Promise<CheckoutProgress> {
  const { parent, name } = splitTarget(target);
  const parentFd = openAt(CWD, bytesOf(parent), O.RDONLY | O.DIRECTORY);
  const partial = bytesOf(`.${name}.${process.pid}.partial`);
  try {
    if (existsAt(parentFd, bytesOf(name))) throw targetExists(target);
    makeDirAt(parentFd, partial, 0o700);
    try {
      const progress = await fillTarget(repository, task, `${parent}/.${name}.${process.pid}.partial`, options, observer);
      if (!renameNoReplaceAt(parentFd, partial, parentFd, bytesOf(name))) throw targetExists(target);
      if (options.durable === true) fsyncFd(parentFd);
      return progress;
    } catch (error) {
      removeTreeAt(parentFd, partial);
      throw error;
    }
  } finally {
    closeFd(parentFd);
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
  return fillFd(repository, start.task, rootFd, options, observer);
}

async function fillTarget(
  repository: Repository,
  task: FolderTask,
  path: string,
  options: CheckoutOptions,
  observer: Observer,
): Promise<CheckoutProgress> {
  const rootFd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  try {
    return await fillFd(repository, task, rootFd, options, observer);
  } finally {
    closeFd(rootFd);
  }
}

async function fillFd(
  repository: Repository,
  task: FolderTask,
  rootFd: number,
  options: CheckoutOptions,
  observer: Observer,
): Promise<CheckoutProgress> {
  const pool = startPool({ workers: options.workers ?? DEFAULT_WORKERS });
  try {
    const settings = settingsFor(repository, rootFd, options);
    const { links, finishes, progress } = await fillAll(settings, task, pool, observer);
    await makePendingLinks(settings, links, progress);
    finishLater(settings, finishes, progress);
    tellLosses(observer, progress);
    if (options.durable === true) syncFileSystem(rootFd);
    return progress;
  } finally {
    await pool.close();
  }
}

async function fillAll(
  settings: CheckoutSettings,
  task: FolderTask,
  pool: WorkerPool,
  observer: Observer,
): Promise<CheckoutAnswer> {
  const all: CheckoutAnswer = { rest: [], links: [], finishes: [], progress: emptyProgress() };
  const running = new Set<Promise<void>>();
  let failure: unknown;
  const take = (answer: CheckoutAnswer): void => {
    append(all.links, answer.links);
    append(all.finishes, answer.finishes);
    for (const key of Object.keys(all.progress) as (keyof CheckoutProgress)[]) all.progress[key] += answer.progress[key];
    report(observer, "checkout", { done: all.progress.files, bytes: all.progress.bytes });
    if (!observer.signal?.aborted && failure === undefined) send(answer.rest);
  };
  const send = (tasks: readonly CheckoutTask[]): void => {
    for (const some of divide(tasks)) {
      const job = { settings, tasks: some, budget: BUDGET };
      const work: Promise<void> = pool
        .run<CheckoutJob, CheckoutAnswer>("fill-folders", job)
        .then(take)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => running.delete(work));
      running.add(work);
    }
  };
  // The first folders are filled here, while the threads start.
  take(await fillFolders({ settings, tasks: [task], budget: FIRST_BUDGET }));
  while (running.size > 0) await Promise.race(running);
  if (failure !== undefined) throw failure;
  throwIfCancelled(observer.signal);
  return all;
}

/** In a few parts, so that no thread is without work while another has much. */
function divide(tasks: readonly CheckoutTask[]): CheckoutTask[][] {
  const count = Math.min(4, tasks.length);
  const divided: CheckoutTask[][] = Array.from({ length: count }, () => []);
  for (const [index, task] of tasks.entries()) divided[index % count]!.push(task);
  return divided;
}

type Start =
  | { readonly kind: "folder"; readonly task: FolderTask }
  | { readonly kind: "file"; readonly checksum: Checksum; readonly record: Parameters<typeof placeFile>[4] };

function startTask(repository: Repository, commit: Checksum, options: CheckoutOptions): Start {
  const root = loadCommit(repository, commit);
  const sidecar: SidecarRef = options.sidecar === false ? undefined : rootSidecar(repository, root);
  const found = findEntry(repository, { tree: root.tree, meta: root.meta, sidecar }, options.subpath ?? "");
  if (found.kind === "folder")
    return { kind: "folder", task: { ...found, kind: "folder", path: EMPTY, existed: options.union === true } };
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
    const progress = emptyProgress();
    const settings = { ...settingsFor(repository, rootFd, options), union: true };
    await placeFile(settings, rootFd, bytesOf(name), start.checksum, start.record, progress);
    if (options.durable === true) fsyncFd(rootFd);
    return { ...progress, files: 1 };
  } finally {
    closeFd(rootFd);
  }
}

function settingsFor(repository: Repository, rootFd: number, options: CheckoutOptions): CheckoutSettings {
  const root = statFd(rootFd);
  return {
    repository,
    rootFd,
    hardlink: options.hardlink === true,
    userMode: options.userMode ?? process.geteuid!() !== 0,
    union: options.union === true,
    verify: options.verify === true,
    inheritsGroup: root.gid !== process.getegid!() || (root.mode & 0o2000) !== 0,
  };
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

function append<T>(list: T[], more: readonly T[]): void {
  for (const item of more) list.push(item);
}
