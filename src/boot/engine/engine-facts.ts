/** What is to be known of a machine before the engine is installed, and which of its files are there already. */
import type { ByteString } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";
import { readPackagedFile } from "../../sys/assets.ts";
import { O, closeFd, openBeneath } from "../../sys/open.ts";
import { readAt } from "../../sys/read-file.ts";
import { S_IFREG, statFd, typeOf } from "../../sys/stat.ts";
import { type EngineFile, type EngineMachine, type InitramfsGenerator, engineFiles } from "./engine-files.ts";

/** `other`: it is there with another content or mode, such as an older version's. */
export type FileState = "same" | "other" | "absent";

export interface EngineFacts {
  readonly machine: EngineMachine;
  /** Each file that this machine needs, in the order of writing. */
  readonly files: readonly { readonly file: EngineFile; readonly state: FileState }[];
}

/** Where each generator's program may be; the first that is there makes the images: dracut is often only what others depend on. */
const GENERATOR_PROGRAMS: Readonly<Record<InitramfsGenerator, readonly string[]>> = {
  "initramfs-tools": ["usr/sbin/mkinitramfs", "usr/bin/mkinitramfs"],
  mkinitcpio: ["usr/bin/mkinitcpio"],
  dracut: ["usr/bin/dracut", "usr/sbin/dracut"],
};
const SHUTDOWN_PROGRAM = "usr/lib/systemd/systemd-shutdown";
const ANY_PROGRAM = [SHUTDOWN_PROGRAM, "usr/bin/bash", "bin/bash", "usr/bin/dash", "bin/dash", "usr/bin/btrfs", "bin/btrfs"];
const MACHINES: Readonly<Record<number, EngineMachine["architecture"]>> = { 62: "x86_64", 183: "aarch64" };
const LARGEST = 1024 * 1024;

/** Looks at the root folder that is open as `rootFd`. Throws `unsupported` for a processor that there is no exchange program for. */
export function gatherEngineFacts(rootFd: number): EngineFacts {
  const has = (path: string): boolean => readBeneath(rootFd, path, 0) !== undefined;
  const generators = Object.keys(GENERATOR_PROGRAMS) as InitramfsGenerator[];
  const machine: EngineMachine = {
    architecture: architectureOf(rootFd),
    hasSystemd: has(SHUTDOWN_PROGRAM),
    generators: generators.filter((generator) => GENERATOR_PROGRAMS[generator].some(has)),
  };
  return { machine, files: engineFiles(machine).map((file) => ({ file, state: fileState(rootFd, file) })) };
}

function fileState(rootFd: number, file: EngineFile): FileState {
  const found = readBeneath(rootFd, file.path, LARGEST);
  if (found === undefined) return "absent";
  return (found.mode & 0o7777) === file.mode && found.content.equals(readPackagedFile(file.content)) ? "same" : "other";
}

// The processor stands in the header of each program (ELF, e_machine).
function architectureOf(rootFd: number): EngineMachine["architecture"] {
  for (const path of ANY_PROGRAM) {
    const header = readBeneath(rootFd, path, 20)?.content;
    if (header === undefined || header.length < 20 || header.toString("latin1", 0, 4) !== "\x7fELF") continue;
    const architecture = header[4] === 2 ? MACHINES[header.readUInt16LE(18)] : undefined;
    if (architecture !== undefined) return architecture;
    throw new RegrowError("unsupported", `/${path}: is for a processor that the engine has no exchange program for.`, { path });
  }
  throw new RegrowError("unsupported", `There is no program in this root that tells its processor: ${ANY_PROGRAM.join(", ")}.`);
}

/** The first `most` bytes of a regular file; undefined where there is none, or the way there leads through a link. */
function readBeneath(
  rootFd: number,
  path: string,
  most: number,
): { readonly mode: number; readonly content: Buffer } | undefined {
  let fd: number;
  try {
    fd = openBeneath(rootFd, path as ByteString, O.RDONLY | O.NONBLOCK);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ENXIO") || (error as RegrowError).code === "hostile") return undefined;
    throw error;
  }
  try {
    const { mode, size } = statFd(fd);
    if (typeOf(mode) !== S_IFREG) return undefined;
    const content = Buffer.alloc(Math.min(size, most));
    return { mode, content: content.subarray(0, readAt(fd, content, 0, content.length, 0)) };
  } finally {
    closeFd(fd);
  }
}
