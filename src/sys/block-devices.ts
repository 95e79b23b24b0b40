/** The block devices of this machine by the names that fstab and boot loaders use: as blkid probes them, and as udev has linked them. */
import { parseBlkid, type DeviceName } from "../codec/blkid.ts";
import { bytesOf, displayBytes } from "../base/byte-string.ts";
import { RegrowError, isErrno } from "../base/errors.ts";
import { CWD, O, closeFd, openAt } from "./open.ts";
import { readDir } from "./read-dir.ts";
import { readLinkAt } from "./read-file.ts";
import { runProgram } from "./run-program.ts";

const FOLDER = "/dev/disk";
const LINKS = [
  ["by-uuid", "uuid"],
  ["by-label", "label"],
  ["by-partuuid", "partUuid"],
  ["by-partlabel", "partLabel"],
] as const;

/** Undefined where neither udev has linked any nor blkid can look: then nothing is known, rather than that there is none. */
export async function listDeviceNames(): Promise<DeviceName[] | undefined> {
  const linked = linkedNames();
  const probed = process.geteuid!() === 0 ? await probedNames() : undefined;
  if (linked.length === 0 && probed === undefined) return undefined;
  return [...(probed ?? []), ...linked];
}

async function probedNames(): Promise<DeviceName[] | undefined> {
  try {
    // Never from its cache, which may know devices that are gone. 2: there are none.
    const call = { program: "blkid", args: ["-c", "/dev/null", "-o", "export"], effect: "read", answers: [2] } as const;
    return parseBlkid((await runProgram(call)).stdout.toString("utf8"));
  } catch (error) {
    if (error instanceof RegrowError && ["missing-program", "program-failed"].includes(error.code)) return undefined;
    throw error;
  }
}

function linkedNames(): DeviceName[] {
  return LINKS.flatMap(([folder, key]) => {
    let fd: number;
    try {
      fd = openAt(CWD, bytesOf(`${FOLDER}/${folder}`), O.RDONLY | O.DIRECTORY);
    } catch (error) {
      if (isErrno(error, "ENOENT", "EACCES")) return [];
      throw error;
    }
    try {
      return readDir(fd).map(({ name }) => {
        const target = displayBytes(readLinkAt(fd, name));
        return { device: `/dev/${target.slice(target.lastIndexOf("/") + 1)}`, [key]: unescape(displayBytes(name)) };
      });
    } finally {
      closeFd(fd);
    }
  });
}

// udev writes `\x20` for a space, and a backslash is shown twice.
function unescape(name: string): string {
  return name.replace(/\\\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
