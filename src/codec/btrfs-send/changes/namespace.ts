/**
 * The names of A as the commands of a stream change them, known only where a command has been. A folder that comes from A and was
 * moved carries the names below it with it, unseen; a name is looked up in A when it is first mentioned.
 *
 * Invariant: a slot's `base` is what A has under this name in this folder and never changes; `now` is what stands there.
 */
import { type ByteString, joinBytes } from "../../../base/byte-string.ts";
import type { StreamTime } from "../command.ts";
import { corruptStream, shown } from "../failures.ts";
import type { BaseEntry, ChangeBase, StreamAspect, StreamEntryType } from "./change.ts";

export interface Inode {
  readonly type: StreamEntryType;
  readonly ino: number;
  /** What A says of it; undefined for what the stream created. */
  readonly base: BaseEntry | undefined;
  /** One of its paths in A, where it is from there. */
  readonly origin: ByteString | undefined;
  /** The number of its names by now. */
  links: number;
  readonly what: Set<StreamAspect>;
  readonly xattrs: Set<ByteString>;
  mtime: StreamTime | undefined;
  /** Named by a command that tells of nothing above. */
  isTouched: boolean;
  /** Of folders only. */
  readonly folder: Folder | undefined;
}

export interface Folder {
  /** Where A has it; undefined for what the stream created. */
  readonly origin: ByteString | undefined;
  readonly slots: Map<ByteString, Slot>;
  parent: Folder | undefined;
  name: ByteString;
}

export interface Slot {
  readonly base: Inode | undefined;
  now: Inode | undefined;
}

export interface Namespace {
  readonly root: Inode;
  /** Every folder that was ever mentioned, also those that are gone. */
  readonly folders: readonly Folder[];
  /** What stands at the path. Throws `corrupt` where nothing does. */
  find(path: ByteString): Inode;
  create(path: ByteString, type: StreamEntryType, ino: number): void;
  link(path: ByteString, existing: ByteString): void;
  rename(path: ByteString, to: ByteString): void;
  unlink(path: ByteString): void;
  removeFolder(path: ByteString): void;
}

export function openNamespace(base: Pick<ChangeBase, "lookUp">): Namespace {
  const folders: Folder[] = [];
  const filesOfBase = new Map<number, Inode>();
  const root = inodeOfBase("" as ByteString, lookUpRoot(base), undefined, "" as ByteString);
  // Commands come in runs that are about one folder.
  let lastPath: string | undefined;
  let lastFolder: Folder | undefined;

  function inodeOfBase(path: ByteString, entry: BaseEntry, parent: Folder | undefined, name: ByteString): Inode {
    if (entry.type === "folder") return newInode(entry.type, entry.ino, { entry, path }, newFolder(path, parent, name));
    const known = filesOfBase.get(entry.ino);
    if (known !== undefined) return known;
    const inode = newInode(entry.type, entry.ino, { entry, path }, undefined);
    filesOfBase.set(entry.ino, inode);
    return inode;
  }

  function newFolder(origin: ByteString | undefined, parent: Folder | undefined, name: ByteString): Folder {
    const folder = { origin, parent, name, slots: new Map<ByteString, Slot>() };
    folders.push(folder);
    return folder;
  }

  function slotIn(folder: Folder, name: ByteString): Slot {
    const known = folder.slots.get(name);
    if (known !== undefined) return known;
    const path = folder.origin === undefined ? undefined : joinBytes(folder.origin, name);
    const entry = path === undefined ? undefined : base.lookUp(path);
    const inode = entry === undefined ? undefined : inodeOfBase(path!, entry, folder, name);
    const slot = { base: inode, now: inode };
    folder.slots.set(name, slot);
    return slot;
  }

  function folderAt(path: string): Folder {
    if (path === "") return root.folder!;
    if (path === lastPath) return lastFolder!;
    const cut = path.lastIndexOf("/");
    const parent = folderAt(path.slice(0, Math.max(cut, 0)));
    const { folder } = slotIn(parent, path.slice(cut + 1) as ByteString).now ?? {};
    if (folder === undefined) throw unfit(path as ByteString, "is no folder");
    lastPath = path;
    lastFolder = folder;
    return folder;
  }

  function placeOf(path: ByteString): { folder: Folder; name: ByteString; slot: Slot } {
    const cut = path.lastIndexOf("/");
    const folder = folderAt(path.slice(0, Math.max(cut, 0)));
    const name = path.slice(cut + 1) as ByteString;
    return { folder, name, slot: slotIn(folder, name) };
  }

  function find(path: ByteString): Inode {
    const inode = path === "" ? root : placeOf(path).slot.now;
    if (inode === undefined) throw unfit(path, "is not there");
    return inode;
  }

  function placeFor(path: ByteString): ReturnType<typeof placeOf> {
    const place = placeOf(path);
    if (place.slot.now !== undefined) throw unfit(path, "is there already");
    return place;
  }

  return {
    root,
    folders,
    find,
    create(path, type, ino) {
      const { folder, name, slot } = placeFor(path);
      slot.now = newInode(type, ino, undefined, type === "folder" ? newFolder(undefined, folder, name) : undefined);
    },
    link(path, existing) {
      const inode = find(existing);
      if (inode.folder !== undefined) throw unfit(existing, "is a folder, which has one name");
      placeFor(path).slot.now = inode;
      inode.links++;
    },
    rename(path, to) {
      const inode = find(path);
      const { folder, name, slot } = placeFor(to);
      if (inode.folder !== undefined) {
        for (let above: Folder | undefined = folder; above !== undefined; above = above.parent) {
          if (above === inode.folder) throw unfit(path, "is moved into itself");
        }
        inode.folder.parent = folder;
        inode.folder.name = name;
        lastPath = undefined;
      }
      placeOf(path).slot.now = undefined;
      slot.now = inode;
    },
    unlink(path) {
      const inode = find(path);
      if (inode.folder !== undefined) throw unfit(path, "is a folder");
      placeOf(path).slot.now = undefined;
      inode.links--;
    },
    removeFolder(path) {
      const { folder } = find(path);
      if (folder === undefined) throw unfit(path, "is no folder");
      for (const { now } of folder.slots.values()) if (now !== undefined) throw unfit(path, "is not empty");
      placeOf(path).slot.now = undefined;
      lastPath = undefined;
    },
  };
}

/** Where the folder is by now. */
export function pathOf(folder: Folder): ByteString {
  return folder.parent === undefined ? ("" as ByteString) : joinBytes(pathOf(folder.parent), folder.name);
}

/** Where A has what has this path by now, as far as no command has been about that very name. */
export function originOf(root: Inode, path: ByteString): ByteString | undefined {
  let folder = root.folder!;
  for (let start = 0; ;) {
    const slash = path.indexOf("/", start);
    const name = path.slice(start, slash < 0 ? path.length : slash) as ByteString;
    const inner = folder.slots.get(name)?.now?.folder;
    if (slash < 0 || inner === undefined) {
      return folder.origin === undefined ? undefined : joinBytes(folder.origin, path.slice(start) as ByteString);
    }
    folder = inner;
    start = slash + 1;
  }
}

function newInode(
  type: StreamEntryType,
  ino: number,
  base: { readonly entry: BaseEntry; readonly path: ByteString } | undefined,
  folder: Folder | undefined,
): Inode {
  const known = { type, ino, base: base?.entry, origin: base?.path, folder };
  return { ...known, links: base?.entry.links ?? 1, what: new Set(), xattrs: new Set(), mtime: undefined, isTouched: false };
}

function lookUpRoot(base: Pick<ChangeBase, "lookUp">): BaseEntry {
  const entry = base.lookUp("" as ByteString);
  if (entry?.type !== "folder") throw unfit("" as ByteString, "is no folder");
  return entry;
}

function unfit(path: ByteString, reason: string): Error {
  const hint = "Compare it with the very snapshot that it was made against (btrfs send -p).";
  return corruptStream(`it does not fit to what it is compared with: ${shown(path)} ${reason}`, hint);
}
