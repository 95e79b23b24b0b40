/**
 * A thread's part of a checkout: fills folders with their files and empty subfolders, going down until its limits are
 * reached, and hands back what is left. A folder gets its own metadata as soon as its entries are made, because what comes later
 * happens inside its subfolders.
 */
import { type ByteString, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { type DirMeta, decodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import { chmodFd, chownFd, setTimeFd } from "../../sys/metadata.ts";
import { makeDirAt, tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { S_IFDIR, statAt, typeOf } from "../../sys/stat.ts";
import { setXattrFd } from "../../sys/xattr.ts";
import { loadMetadata } from "../object-files.ts";
import { refuseTooDeep } from "../tree/depth-limit.ts";
import { type FolderView, type ViewFile, type ViewNode, viewFolder } from "../tree/folder-view.ts";
import {
  type CheckoutAnswer,
  type CheckoutJob,
  type CheckoutProgress,
  type CheckoutSettings,
  type CheckoutTask,
  type FilesTask,
  type FolderTask,
  emptyProgress,
} from "./checkout-state.ts";
import { locateFailure } from "./locate-failure.ts";
import { mustChown, placeFile } from "./place-file.ts";
import { placeNode } from "./place-node.ts";
import { LAST_FLAGS, addFlags } from "./put-flags.ts";
import { enterUnionFolder } from "./union-folder.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";

/** A folder with more files than this is divided among the threads, into parts of a quarter of it. */
const LARGE_FOLDER = { linking: 1024, copying: 192 };
const NOTHING = Buffer.alloc(0);
export async function fillFolders({ settings, tasks, limits, wanted }: CheckoutJob): Promise<CheckoutAnswer> {
  const stack: CheckoutTask[] = [...tasks];
  const answer: CheckoutAnswer = { rest: stack, links: [], finishes: [], progress: emptyProgress() };
  const { progress } = answer;
  while (stack.length > 0 && progress.files + progress.folders < limits.entries && progress.bytes < limits.bytes) {
    const task = stack.pop()!;
    if (task.kind === "files") await fillPart(settings, task, answer);
    else stack.push(...(await fillFolder(settings, task, answer)).reverse());
    if (wanted !== undefined && stack.length > 1 && Atomics.load(wanted, 0) !== 0) break;
  }
  return answer;
}

async function fillFolder(settings: CheckoutSettings, task: FolderTask, answer: CheckoutAnswer): Promise<CheckoutTask[]> {
  refuseTooDeep(task.path);
  const view = viewFolder(settings.repository, task.tree, task.sidecar);
  const dirFd = openBeneath(settings.rootFd, task.path, O.RDONLY | O.DIRECTORY);
  try {
    if (settings.union) enterUnionFolder(dirFd);
    const below = makeSubfolders(settings, task, dirFd, view);
    placeNodes(settings, dirFd, task, view.nodes, answer);
    const most = settings.hardlink ? LARGE_FOLDER.linking : LARGE_FOLDER.copying;
    const isLarge = view.files.length > most;
    if (isLarge) below.push(...parts(task, view.files.length, most / 4));
    else await placeFiles(settings, dirFd, task, view.files, answer);
    finishFolder(settings, dirFd, task, view, isLarge, answer);
    answer.progress.folders++;
    return below;
  } finally {
    closeFd(dirFd);
  }
}

async function fillPart(settings: CheckoutSettings, task: FilesTask, answer: CheckoutAnswer): Promise<void> {
  const view = viewOfParts(settings, task);
  const dirFd = openBeneath(settings.rootFd, task.path, O.RDONLY | O.DIRECTORY);
  try {
    if (settings.union) enterUnionFolder(dirFd);
    await placeFiles(settings, dirFd, task, view.files.slice(task.from, task.to), answer);
  } finally {
    closeFd(dirFd);
  }
}

let lastView: { readonly key: string; readonly view: FolderView } | undefined;

/** The parts of a very large folder mostly come one after the other: it is not read anew for each. */
function viewOfParts(settings: CheckoutSettings, { tree, sidecar }: FilesTask): FolderView {
  const key = JSON.stringify([settings.repository.path, tree, sidecar]);
  if (lastView?.key !== key) lastView = { key, view: viewFolder(settings.repository, tree, sidecar) };
  return lastView.view;
}

function parts(task: FolderTask, count: number, size: number): CheckoutTask[] {
  const tasks: FilesTask[] = [];
  for (let from = 0; from < count; from += size) {
    tasks.push({
      kind: "files",
      path: task.path,
      tree: task.tree,
      sidecar: task.sidecar,
      from,
      to: Math.min(from + size, count),
    });
  }
  return tasks;
}

function makeSubfolders(settings: CheckoutSettings, task: FolderTask, dirFd: number, view: FolderView): CheckoutTask[] {
  return view.dirs.map(({ name, tree, meta, sidecar }) => {
    const existed = settings.union && !tryMakeDirAt(dirFd, name, 0o700);
    if (existed) refuseNonFolder(dirFd, name, task.path);
    else if (!settings.union) makeDirAt(dirFd, name, 0o700);
    return { kind: "folder", path: joinBytes(task.path, name), tree, meta, sidecar, existed };
  });
}

function refuseNonFolder(dirFd: number, name: ByteString, folder: ByteString): void {
  if (typeOf(statAt(dirFd, name).mode) === S_IFDIR) return;
  const path = displayBytes(joinBytes(folder, name));
  throw new RegrowError("exists", `${path}: is there already and is no folder, as the commit has it.`, {
    path,
    hint: "Move it away first.",
  });
}

async function placeFiles(
  settings: CheckoutSettings,
  dirFd: number,
  task: CheckoutTask,
  files: readonly ViewFile[],
  answer: CheckoutAnswer,
): Promise<void> {
  for (const { name, checksum, record } of files) {
    if (record?.linkTo !== undefined && !settings.hardlink) {
      const path = joinBytes(task.path, name);
      answer.links.push({ path, leader: record.linkTo, tree: task.tree, sidecar: task.sidecar });
      continue;
    }
    try {
      const placing = placeFile(settings, dirFd, name, checksum, record, answer.progress);
      if (placing !== undefined) await placing;
    } catch (error) {
      throw locateFailure(settings, { folder: task.path, name, checksum }, error);
    }
    if (record?.flags !== undefined && (record.flags & LAST_FLAGS) !== 0 && !settings.hardlink) {
      const path = joinBytes(task.path, name);
      answer.finishes.push({ path, meta: undefined, self: undefined, flags: record.flags & LAST_FLAGS });
    }
    answer.progress.files++;
  }
}

function placeNodes(
  settings: CheckoutSettings,
  dirFd: number,
  task: FolderTask,
  nodes: readonly ViewNode[],
  answer: CheckoutAnswer,
): void {
  for (const node of nodes) {
    const { name, record } = node;
    if (record.linkTo === undefined) placeNode(settings, dirFd, name, node, answer.progress);
    else answer.links.push({ path: joinBytes(task.path, name), leader: record.linkTo, tree: task.tree, sidecar: task.sidecar });
  }
}

function finishFolder(
  settings: CheckoutSettings,
  dirFd: number,
  task: FolderTask,
  view: FolderView,
  later: boolean,
  answer: CheckoutAnswer,
): void {
  if (task.existed) return;
  const { self } = view;
  const flags = (self?.flags ?? 0) & LAST_FLAGS;
  // Who is not root may lose the right to write below.
  const restricted = settings.userMode && (dirMeta(settings, task.meta).mode & 0o700) !== 0o700;
  const meta = later || restricted ? task.meta : undefined;
  if (meta !== undefined || flags !== 0) answer.finishes.push({ path: task.path, meta, self, flags });
  if (meta === undefined) finishOpenFolder(settings, dirFd, task.meta, self, answer.progress);
}

/** All metadata of an open folder but the flags that stop later changes. */
export function finishOpenFolder(
  settings: CheckoutSettings,
  dirFd: number,
  checksum: Checksum,
  self: EntryRecord | undefined,
  progress: CheckoutProgress,
): void {
  const meta = dirMeta(settings, checksum);
  if (!settings.userMode) {
    if (mustChown(settings, meta.uid, meta.gid)) chownFd(dirFd, meta.uid, meta.gid);
    for (const xattr of meta.xattrs) setXattrFd(dirFd, xattr.name, xattr.value);
    for (const name of self?.emptyXattrs ?? []) setXattrFd(dirFd, name, NOTHING);
  }
  if (settings.userMode || settings.union || (meta.mode & 0o7777) !== 0o700) chmodFd(dirFd, meta.mode);
  addFlags(dirFd, (self?.flags ?? 0) & ~LAST_FLAGS, progress);
  if (self?.time !== undefined) setTimeFd(dirFd, self.time);
}

const known = new Map<Checksum, DirMeta>();

/** A tree has thousands of folders and a handful of different metadata. */
function dirMeta(settings: CheckoutSettings, checksum: Checksum): DirMeta {
  let meta = known.get(checksum);
  if (meta === undefined) {
    meta = decodeDirMeta(loadMetadata(settings.repository, "dirmeta", checksum));
    if (known.size < 1024) known.set(checksum, meta);
  }
  return meta;
}
