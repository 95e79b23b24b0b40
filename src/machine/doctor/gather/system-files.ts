/** What files of the system say of its start: fstab, command lines, kernels and their modules. */
import { bytesOf, displayBytes } from "../../../base/byte-string.ts";
import { findKernels } from "../../../boot/find-kernels.ts";
import { parseFstab } from "../../../codec/fstab.ts";
import { parseOsRelease } from "../../../codec/os-release.ts";
import { tryStatInRoot } from "../../../sys/look-in-root.ts";
import { listInRoot } from "../../../sys/read-dir.ts";
import { readProcFile, tryReadInRoot } from "../../../sys/read-file.ts";
import { S_IFDIR, typeOf } from "../../../sys/stat.ts";
import { folderReader } from "../../sysroot/folder-reader.ts";
import type { Machine } from "../../sysroot/machine.ts";
import type { CommandLineFact, FstabFact, KernelFacts } from "../facts.ts";

const MODULES = "usr/lib/modules";
const GRUB_LINES = /^\s*(?:GRUB_CMDLINE_LINUX\w*)\+?=(.*)$/gm;

export function gatherFstab({ rootFd, mounts }: Pick<Machine, "rootFd" | "mounts">): FstabFact[] {
  return parseFstab(readText(rootFd, "etc/fstab") ?? "").flatMap((line) => {
    if (typeof line === "string") return [];
    if (!line.target.startsWith("/")) return [{ line, hasMountPoint: true, isAway: false }];
    const path = bytesOf(line.target.replace(/^\/+|\/+$/g, "") || ".");
    const stat = tryStatInRoot(rootFd, path);
    const hasMountPoint = stat !== undefined && (typeOf(stat.mode) === S_IFDIR || line.options.includes("bind"));
    const isAway = path !== "." && !mounts.has(path) && hasMountPoint;
    return [{ line, hasMountPoint, isAway }];
  });
}

export function gatherCommandLines({ rootFd, isLive }: Machine): CommandLineFact[] {
  const lines: CommandLineFact[] = [];
  if (isLive) lines.push({ path: "/proc/cmdline", text: readProcFile("/proc/cmdline").trim() });
  const grub = [...(readText(rootFd, "etc/default/grub") ?? "").matchAll(GRUB_LINES)].map(([, value]) => unquote(value!));
  if (grub.length > 0) lines.push({ path: "/etc/default/grub", text: grub.join(" ").trim() });
  const kernel = readText(rootFd, "etc/kernel/cmdline");
  if (kernel !== undefined) lines.push({ path: "/etc/kernel/cmdline", text: kernel.trim() });
  return lines;
}

export async function gatherKernels({ rootFd, isLive }: Machine): Promise<KernelFacts> {
  const modules = listInRoot(rootFd, MODULES).filter((release) => {
    const names = listInRoot(rootFd, bytesOf(`${MODULES}/${displayBytes(release)}`));
    return names.some((name) => name === "modules.dep" || name === "modules.dep.bin");
  });
  return {
    kernels: await findKernels(folderReader(rootFd)),
    modules: modules.map((release) => displayBytes(release)).toSorted(),
    running: isLive ? readProcFile("/proc/sys/kernel/osrelease").trim() : undefined,
  };
}

/** `ID` and what it is like. */
export function distributionOf(rootFd: number): string[] {
  const values = parseOsRelease(readText(rootFd, "etc/os-release") ?? readText(rootFd, "usr/lib/os-release") ?? "");
  return [values.get("ID") ?? "", ...(values.get("ID_LIKE") ?? "").split(/\s+/)].filter((name) => name !== "");
}

function readText(rootFd: number, path: string): string | undefined {
  return tryReadInRoot(rootFd, path, 16 * 1024 * 1024)?.toString("utf8");
}

// A shell would take the quotes away and the backslashes inside.
function unquote(value: string): string {
  const quoted = /^\s*(["'])(.*?)\1/.exec(value);
  return (quoted?.[2] ?? value.split("#")[0]!).replace(/\\(.)/g, "$1");
}
