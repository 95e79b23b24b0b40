/**
 * The next start of a machine whose kernels are outside of its root (boot class b): the prepared root's kernel under a content name, an
 * entry that names the root by its number, and the loader's default, which is the commit point:
 *
 *   GRUB           grub/custom.cfg: one block with the entry and `set default`, one rename
 *   systemd-boot   loader/entries/regrow-switch-<n>.conf, then `default` in loader/loader.conf
 *   both           regrow-switch/<start of the SHA-256>-linux, …-initrd-<n>
 */
import { createHash } from "node:crypto";
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { BootChoice } from "../../boot/boot-choice.ts";
import { formatBootEntry } from "../../codec/bls-entry.ts";
import { formatGrubDefault, formatGrubMenuEntry } from "../../codec/grub/menu-entry.ts";
import {
  type KernelParameter,
  joinCommandLine,
  parameterValue,
  splitCommandLine,
  withoutParameters,
} from "../../codec/kernel-command-line.ts";
import { replaceFileAt, syncFileSystem } from "../../sys/durable.ts";
import { existsAt, makeDirs, removeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readProcFile, tryReadInRoot } from "../../sys/read-file.ts";
import type { Machine } from "../sysroot/machine.ts";
import { SWITCH_FOLDER, bootVolumes, inVolume } from "./boot-volumes.ts";
import { type NextBoot, keepingTime, setDefault, volumeOf } from "./loader-default.ts";
import { type LoaderPlace, fileSystemUuid } from "./loader-place.ts";

export interface NextBootWish {
  readonly number: number;
  /** The prepared root, open, and its subvolume's id. */
  readonly rootFd: number;
  readonly rootId: number;
  readonly choice: BootChoice;
}

const MOST_IMAGE_BYTES = 2 ** 30;

export function describeNextBoot({ files, volume }: LoaderPlace, number: number): NextBoot {
  const { loader, folder } = files;
  return {
    loader,
    volume: volume.path,
    defaultFile: loader === "grub" ? `${folder}/custom.cfg` : "loader/loader.conf",
    id: `regrow-switch-${number}`,
  };
}

/** Brings kernel and entry onto the volume; nothing names them yet. What it returns makes them the default. Throws `no-space`, SystemError. */
export async function prepareNextBoot(machine: Machine, boot: NextBoot, wish: NextBootWish): Promise<() => void> {
  const volume = volumeOf(machine, boot);
  const kernel = readWhole(wish.rootFd, wish.choice.kernelPath);
  const initrds = wish.choice.initrdPaths.map((path) => readWhole(wish.rootFd, path));
  const linux = contentName(kernel, "linux");
  const initrdNames = initrds.map((content) => contentName(content, "initrd"));
  inVolume(machine, volume, (fd) =>
    keepingTime(fd, ".", () => {
      makeDirs(fd, SWITCH_FOLDER, 0o700);
      for (const [name, content] of [[linux, kernel] as const, ...initrdNames.map((name, at) => [name, initrds[at]!] as const)])
        replaceFileAt(fd, SWITCH_FOLDER, name, content, { mode: 0o600 });
      syncFileSystem(fd);
    }),
  );
  const entry = {
    id: boot.id,
    title: `${wish.choice.title} (regrow, operation ${wish.number})`,
    linux: `${volume.prefix}/${SWITCH_FOLDER}/${linux}`,
    initrds: initrdNames.map((name) => `${volume.prefix}/${SWITCH_FOLDER}/${name}`),
    parameters: parametersFor(machine, wish),
  };
  if (boot.loader === "grub") {
    const fsUuid = await fileSystemUuid(volume.source);
    const lines = formatGrubMenuEntry({ ...entry, fsUuid }) + formatGrubDefault(boot.id);
    return () => setDefault(machine, boot, lines);
  }
  const { title, linux: path, initrds: paths, parameters } = entry;
  const text = formatBootEntry({
    title,
    version: wish.choice.release,
    linux: path,
    initrds: paths,
    options: joinCommandLine(parameters),
    others: [],
  });
  inVolume(machine, volume, (fd) => replaceFileAt(fd, "loader/entries", `${boot.id}.conf`, Buffer.from(text)));
  return () => setDefault(machine, boot, `default ${boot.id}.conf\n`);
}

/** The entries and kernels of all switches but those given go. Only for who has seen that none of them is the default. */
export function removeNextBoots(machine: Machine, needed: readonly NextBoot[]): void {
  for (const volume of bootVolumes(machine)) {
    if (needed.some((boot) => boot.volume === volume.path)) continue;
    inVolume(machine, volume, (fd) =>
      keepingTime(fd, ".", () => {
        for (const name of namesIn(fd, "loader/entries"))
          if (/^\.?regrow-switch-/.test(name)) tryUnlinkAt(fd, bytesOf(`loader/entries/${name}`));
        if (!existsAt(fd, bytesOf(SWITCH_FOLDER))) return;
        for (const name of namesIn(fd, SWITCH_FOLDER)) tryUnlinkAt(fd, bytesOf(`${SWITCH_FOLDER}/${name}`));
        removeDirAt(fd, bytesOf(SWITCH_FOLDER));
      }),
    );
  }
}

/** As the target's own loader would give them, but for the root, which is named by its number. */
function parametersFor({ isLive }: Machine, { choice, rootId }: NextBootWish): KernelParameter[] {
  const found = choice.parameters ?? (isLive ? splitCommandLine(readProcFile("/proc/cmdline").trim()) : undefined);
  if (found === undefined) {
    throw new RegrowError("unsupported", "The kernel's parameters are put together by the boot loader, and can't be read here.", {
      hint: "Do it on the running machine.",
    });
  }
  const flags = (parameterValue(found, "rootflags") ?? "")
    .split(",")
    .filter((flag) => flag !== "" && !/^subvol(id)?=/.test(flag));
  const rest = withoutParameters(found, "rootflags", "BOOT_IMAGE", "initrd");
  return [...rest, `rootflags=${[...flags, `subvolid=${rootId}`].join(",")}`];
}

function readWhole(rootFd: number, path: string): Buffer {
  const content = tryReadInRoot(rootFd, path, MOST_IMAGE_BYTES);
  if (content !== undefined) return content;
  throw new RegrowError("not-found", `/${path}: is not in the prepared root.`, { path: `/${path}` });
}

function contentName(content: Buffer, kind: string): string {
  return `${createHash("sha256").update(content).digest("hex").slice(0, 32)}-${kind}`;
}

function namesIn(fd: number, folder: string): string[] {
  const folderFd = tryOpenAt(fd, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  if (folderFd < 0) return [];
  try {
    return readDir(folderFd).map(({ name }) => name);
  } finally {
    closeFd(folderFd);
  }
}
