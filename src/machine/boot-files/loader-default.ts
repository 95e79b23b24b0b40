/**
 * The file by which a boot loader's default is told (boot class b): a marked block at its end, which counts more than what stands before it.
 * What else is in the file, and the times of the file and of its folder, are the system's own.
 */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { markedBlock, withMarkedBlock } from "../../codec/grub/marked-block.ts";
import { removeTemporaries, replaceFileAt, syncFileSystem } from "../../sys/durable.ts";
import { type Time, setTimeAt } from "../../sys/metadata.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";
import { tryStatAt } from "../../sys/stat.ts";
import type { Machine } from "../sysroot/machine.ts";
import { type BootVolume, bootVolumes, inVolume } from "./boot-volumes.ts";

/** What the operation's log keeps of it. */
export interface NextBoot {
  readonly loader: "grub" | "systemd-boot";
  /** Of the volume, by its mount point. */
  readonly volume: string;
  /** The file with the default, from the top of the volume. */
  readonly defaultFile: string;
  /** The entry's. */
  readonly id: string;
  /** The volume as it was is kept in the replaced root. */
  readonly isSaved?: boolean;
  /** The volumes are as the new root's commit has them, and the loader's default is its own again. */
  readonly isPutBack?: boolean;
}

/** A file of a loader as it is when no switch is under way. */
export interface OwnFile {
  readonly content: Buffer;
  readonly mtime: Time | undefined;
}

const BLOCK = "switch";
const MOST_BYTES = 1024 * 1024;
/** Files of a volume that may have the block in them. */
const DEFAULT_FILES = ["grub/custom.cfg", "grub2/custom.cfg", "loader/loader.conf"];

/** Durably, by one rename. Throws `refused` where the volume is not mounted, `corrupt` where a block of regrow's was cut, SystemError. */
export function setDefault(machine: Machine, boot: NextBoot, lines: string): void {
  inVolume(machine, volumeOf(machine, boot), (fd) => {
    put(fd, boot.defaultFile, readOwnFile(fd, boot), lines);
    syncFileSystem(fd);
  });
}

/** The loader's default is its own again. `own`: the file as it is to be then, if it is not the one that is there. Throws as above. */
export function unsetDefault(machine: Machine, boot: NextBoot, own?: OwnFile): void {
  inVolume(machine, volumeOf(machine, boot), (fd) => {
    put(fd, boot.defaultFile, own ?? readOwnFile(fd, boot), undefined);
    syncFileSystem(fd);
  });
}

/** Whether the loader starts it by default; undefined where the volume is not mounted. */
export function isDefaultNow(machine: Machine, boot: NextBoot): boolean | undefined {
  const volume = bootVolumes(machine).find(({ path }) => path === boot.volume);
  if (volume === undefined) return undefined;
  const text = inVolume(machine, volume, (fd) => tryReadFileAt(fd, boot.defaultFile, MOST_BYTES)?.toString("latin1") ?? "");
  return new RegExp(`^(set default=|default )${boot.id}(\\.conf)?$`, "m").test(markedBlock(text, BLOCK) ?? "");
}

/** Of a volume, or a copy of it. One that isn't there is empty. */
export function readOwnFile(folderFd: number, { defaultFile }: Pick<NextBoot, "defaultFile">): OwnFile {
  const content = tryReadFileAt(folderFd, defaultFile, MOST_BYTES);
  if (content === undefined) return { content: Buffer.alloc(0), mtime: undefined };
  return { content, mtime: timeOf(folderFd, defaultFile) };
}

/** In a copy of a volume: what a switch that is under way has written into the loader's files is no part of the system. */
export function withoutSwitch(folderFd: number): void {
  for (const defaultFile of DEFAULT_FILES) {
    const own = readOwnFile(folderFd, { defaultFile });
    if (markedBlock(own.content.toString("latin1"), BLOCK) !== undefined) put(folderFd, defaultFile, own, undefined);
  }
}

/** The volume, mounted. Throws `refused` where it is not. */
export function volumeOf(machine: Machine, { volume }: NextBoot): BootVolume {
  const found = bootVolumes(machine).find(({ path }) => path === volume);
  if (found !== undefined) return found;
  throw new RegrowError("refused", `/${volume}: is not mounted, and the next start is told there.`, {
    path: `/${volume}`,
    hint: "Mount it, and begin again.",
  });
}

/** Runs `work`, in which names come and go in the folder; it looks as before then. */
export function keepingTime(dirFd: number, folder: string, work: () => void): void {
  const before = timeOf(dirFd, folder);
  work();
  const now = timeOf(dirFd, folder);
  if (before === undefined || now === undefined) return;
  if (now.seconds !== before.seconds || now.nanoseconds !== before.nanoseconds) setTimeAt(dirFd, folder, before);
}

function put(fd: number, path: string, own: OwnFile, lines: string | undefined): void {
  const slash = path.lastIndexOf("/");
  const [folder, name] = [path.slice(0, slash), path.slice(slash + 1)];
  keepingTime(fd, folder, () => {
    removeTemporaries(fd, folder, name);
    const text = withMarkedBlock(own.content.toString("latin1"), BLOCK, lines);
    if (text === "") return void tryUnlinkAt(fd, bytesOf(path));
    if (tryReadFileAt(fd, path, MOST_BYTES)?.toString("latin1") !== text)
      replaceFileAt(fd, folder, name, Buffer.from(text, "latin1"));
    if (own.mtime !== undefined) setTimeAt(fd, path, own.mtime);
  });
}

function timeOf(dirFd: number, name: string): Time | undefined {
  const stat = tryStatAt(dirFd, name);
  return stat && { seconds: stat.mtimeSeconds, nanoseconds: stat.mtimeNanoseconds };
}
