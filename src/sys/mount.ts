/**
 * Mounts that have no name: the file system is reached through an open folder only, no other process can come across it,
 * and it is unmounted when that folder is closed, however the process ends.
 *
 * Such a folder has no path: `/proc/self/fd/N` opens it, but its link reads `/`. Give other programs the folder to run in
 * (`folderFd` of a program call), never as a path: one that resolves links would write into the root of this machine.
 */
import { RegrowError } from "../base/errors.ts";
import { c, c2 } from "./c-string.ts";
import { syncFileSystem } from "./durable.ts";
import { failPoint } from "./fail-point.ts";
import { declare, lastErrno, lastError } from "./native.ts";
import { O, closeFd, openAt } from "./open.ts";
import { readNext } from "./read-file.ts";

const fsopen = declare("int64_t syscall(int64_t, void *, int64_t)");
const fsconfig = declare("int64_t syscall(int64_t, int64_t, int64_t, void *, void *, int64_t)");
const fsmount = declare("int64_t syscall(int64_t, int64_t, int64_t, int64_t)");

// The same on every architecture.
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432 } as const;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const CONFIG = { flag: 0, string: 1, create: 6 } as const;

export interface MountRequest {
  /** The kernel's name of the file system, such as `btrfs`. */
  readonly type: string;
  /** The block device. */
  readonly source: string;
  /** Mount options; true for one without a value. */
  readonly options?: Readonly<Record<string, string | true>>;
}

export interface Mount {
  /** The root folder of the mounted file system. */
  readonly fd: number;
  /** Flushes all that was written, then closes the folder. Throws SystemError where that fails; it is closed all the same. */
  unmount(): void;
}

/** Mounts without a name. Linux 5.2 or newer. Throws SystemError, or `system` with what the kernel says of its reason. */
export function mountUnnamed(request: MountRequest): Mount {
  failPoint("mount", request.source);
  const context = Number(fsopen(SYS.fsopen, c(request.type), FSOPEN_CLOEXEC));
  if (context < 0) throw noSuchFileSystem(request);
  try {
    configure(context, CONFIG.string, "source", request.source, request);
    for (const [key, value] of Object.entries(request.options ?? {})) {
      if (value === true) configure(context, CONFIG.flag, key, undefined, request);
      else configure(context, CONFIG.string, key, value, request);
    }
    configure(context, CONFIG.create, undefined, undefined, request);
    const mountFd = Number(fsmount(SYS.fsmount, context, FSMOUNT_CLOEXEC, 0));
    if (mountFd < 0) throw mountError("fsmount", context, request);
    return openRoot(mountFd);
  } finally {
    closeFd(context);
  }
}

// What fsmount gives stands for a path only; it keeps the mount alive, while the folder can be read and synced.
function openRoot(mountFd: number): Mount {
  try {
    const fd = openAt(mountFd, ".", O.RDONLY | O.DIRECTORY);
    return { fd, unmount: () => unmount(mountFd, fd) };
  } catch (error) {
    closeFd(mountFd);
    throw error;
  }
}

function unmount(mountFd: number, fd: number): void {
  try {
    syncFileSystem(fd);
  } finally {
    closeFd(fd);
    closeFd(mountFd);
  }
}

function configure(
  context: number,
  command: number,
  key: string | undefined,
  value: string | undefined,
  request: MountRequest,
): void {
  const keyText = key === undefined ? null : c(key);
  const valueText = value === undefined ? null : c2(value);
  if (fsconfig(SYS.fsconfig, context, command, keyText, valueText, 0) < 0) throw mountError("fsconfig", context, request);
}

function mountError(call: string, context: number, request: MountRequest): RegrowError {
  const error = lastError(call, request.source);
  const said = kernelMessages(context);
  if (said.length === 0) return error;
  return new RegrowError("system", `${request.source}: can't be mounted as ${request.type}: ${said.join("; ")}.`, {
    path: request.source,
    cause: error,
  });
}

// Each read gives one message, such as `e btrfs: bad superblock`, until there are none (ENODATA).
function kernelMessages(context: number): string[] {
  const messages: string[] = [];
  const buffer = Buffer.alloc(4096);
  try {
    for (let length = readNext(context, buffer); length > 0; length = readNext(context, buffer)) {
      messages.push(
        buffer
          .toString("utf8", 0, length)
          .trim()
          .replace(/^[ewi] /, ""),
      );
    }
  } catch {
    // The end of the messages is told as an error.
  }
  return messages;
}

function noSuchFileSystem(request: MountRequest): RegrowError {
  const cause = lastError("fsopen", request.source);
  if (lastErrno() !== "ENODEV") return cause;
  return new RegrowError("unsupported", `${request.type}: this kernel can't mount that file system.`, {
    path: request.source,
    hint: `Load its module (modprobe ${request.type}), or use a kernel that has it.`,
    cause,
  });
}
