/**
 * Unpacks send streams into a folder of any file system, as `btrfs receive` does on btrfs. Everything grows in one private folder
 * beside the final names; these are given only after the last stream has been read to its end and all is on the disk.
 */
import { type ByteString, bytesOf, displayBytes } from "../../../base/byte-string.ts";
import { RegrowError, throwIfCancelled } from "../../../base/errors.ts";
import type { SendCommand, StreamPart } from "../../../codec/btrfs-send/command.ts";
import { hostileStream, shown } from "../../../codec/btrfs-send/failures.ts";
import { openStreamReader } from "../../../codec/btrfs-send/read-stream.ts";
import { fsyncFd, syncFileSystem } from "../../../sys/durable.ts";
import { existsAt, makeDirAt, renameAt, renameNoReplaceAt } from "../../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../../sys/open.ts";
import { runProgram } from "../../../sys/run-program.ts";
import { temporaryName } from "../../../sys/temporary-name.ts";
import { applyCommand } from "./apply-command.ts";
import { type OpenTree, openTree } from "./open-tree.ts";
import { type PrivateFolder, isPrivateName, makePrivateFolder } from "./private-folder.ts";

export interface UnpackOptions {
  /**
   * Where an earlier state is that a stream builds on or copies from: the folder that was unpacked, or is, from the subvolume with
   * this uuid and generation. It must not have been changed since.
   */
  readonly findBase?: (uuid: string, ctransid: number) => string | undefined;
  readonly signal?: AbortSignal;
}

export interface UnpackedSubvolume {
  /** Its folder in the target. */
  readonly name: ByteString;
  readonly uuid: string;
  readonly ctransid: number;
}

/**
 * Unpacks all subvolumes of the streams into folders of `target`. Nothing appears there where it fails. Throws what reading streams
 * throws, `not-found` for a base that is not known, `exists` for a name that is taken, `cancelled`, SystemError.
 */
export async function unpackStreams(
  source: AsyncIterable<Uint8Array>,
  target: string,
  options: UnpackOptions = {},
): Promise<UnpackedSubvolume[]> {
  throwIfCancelled(options.signal);
  const targetFd = openAt(CWD, bytesOf(target), O.RDONLY | O.DIRECTORY);
  let work: PrivateFolder | undefined;
  let unpacking: Unpacking | undefined;
  try {
    work = makePrivateFolder(targetFd);
    unpacking = startUnpacking(targetFd, work.fd, options);
    for await (const chunk of source) {
      await unpacking.push(chunk);
      throwIfCancelled(options.signal);
    }
    const unpacked = unpacking.end();
    publish(targetFd, work.fd, unpacked);
    return unpacked;
  } finally {
    unpacking?.close();
    work?.remove();
    closeFd(targetFd);
  }
}

interface Subvolume extends UnpackedSubvolume {
  readonly tree: OpenTree;
}

interface Unpacking {
  push(chunk: Uint8Array): Promise<void>;
  end(): UnpackedSubvolume[];
  close(): void;
}

function startUnpacking(targetFd: number, workFd: number, { findBase, signal }: UnpackOptions): Unpacking {
  const subvolumes: Subvolume[] = [];
  const bases = new Map<string, OpenTree>();
  // Reading is synchronous, and a copy of a base is not: what was read waits for it, never more than a chunk.
  let waiting: StreamPart[] = [];
  const reader = openStreamReader((part) => waiting.push(part));

  async function begin(command: Extract<SendCommand, { kind: "subvol" | "snapshot" }>): Promise<void> {
    const { path: name, uuid, ctransid } = command;
    if (isPrivateName(name)) throw hostileStream(`the subvolume's name ${shown(name)} is kept for unfinished work`);
    if (existsAt(targetFd, name) || existsAt(workFd, name)) throw taken(name);
    if (command.kind === "subvol") makeDirAt(workFd, name, 0o700);
    else await copyBase(command.cloneUuid, command.cloneCtransid, name);
    const fd = openAt(workFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    subvolumes.push({ name, uuid, ctransid, tree: openTree(fd) });
  }

  async function copyBase(uuid: string, ctransid: number, name: ByteString): Promise<void> {
    const known = subvolumes.find((one) => one.uuid === uuid && one.ctransid === ctransid);
    const path = known === undefined ? findBase?.(uuid, ctransid) : `/proc/${process.pid}/fd/${known.tree.rootFd}`;
    if (path === undefined) throw unknownBase(uuid, ctransid);
    // A program's arguments are text, and the name may be none.
    const copy = temporaryName("base");
    await runProgram({
      program: "cp",
      args: ["-a", "--reflink=auto", "-T", "--", `${path}/.`, copy],
      effect: "change",
      folderFd: workFd,
      ...(signal === undefined ? {} : { signal }),
    });
    renameAt(workFd, copy, workFd, name);
  }

  function findSource(uuid: string, ctransid: number): OpenTree {
    const known =
      subvolumes.findLast((one) => one.uuid === uuid && one.ctransid === ctransid)?.tree ?? bases.get(`${uuid} ${ctransid}`);
    if (known !== undefined) return known;
    const path = findBase?.(uuid, ctransid);
    if (path === undefined) throw unknownBase(uuid, ctransid);
    const tree = openTree(openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY));
    bases.set(`${uuid} ${ctransid}`, tree);
    return tree;
  }

  async function applyWaiting(): Promise<void> {
    const parts = waiting;
    waiting = [];
    for (const part of parts) {
      if (part.kind === "subvol" || part.kind === "snapshot") await begin(part);
      else if (part.kind !== "header" && part.kind !== "end") applyCommand(subvolumes.at(-1)!.tree, part, findSource);
    }
  }

  return {
    async push(chunk) {
      reader.push(chunk);
      await applyWaiting();
    },
    end() {
      reader.end();
      return subvolumes.map(({ name, uuid, ctransid }) => ({ name, uuid, ctransid }));
    },
    close() {
      for (const { tree } of subvolumes) tree.close();
      for (const tree of bases.values()) tree.close();
    },
  };
}

function publish(targetFd: number, workFd: number, unpacked: readonly UnpackedSubvolume[]): void {
  syncFileSystem(workFd);
  for (const { name } of unpacked) if (!renameNoReplaceAt(workFd, name, targetFd, name)) throw taken(name);
  fsyncFd(targetFd);
}

function taken(name: ByteString): RegrowError {
  const path = displayBytes(name);
  return new RegrowError("exists", `${path}: a folder for this subvolume is there already.`, {
    path,
    hint: "Unpack into another folder, or move that one away.",
  });
}

function unknownBase(uuid: string, ctransid: number): RegrowError {
  return new RegrowError("not-found", `The stream builds on the subvolume ${uuid} (generation ${ctransid}), which is not here.`, {
    hint: "Unpack the full stream before the one of the changes.",
  });
}
