/** The entries of the Boot Loader Specification on the ESP and in /boot, and what the firmware remembers of them. */
import { bytesOf, displayBytes } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import { type BootEntry, parseBootEntry, parseEntryName } from "../../../codec/bls-entry.ts";
import { readEfiText } from "../../../sys/efi-variable.ts";
import { listInRoot } from "../../../sys/read-dir.ts";
import { tryReadInRoot } from "../../../sys/read-file.ts";
import type { BootEntryFact, BootFile, EntryFolderFact, FirmwareFacts } from "../facts.ts";
import { BOOT_MOUNTS, type BootVolume, findBootFile } from "./boot-volumes.ts";

const LARGEST = 1024 * 1024;

export function gatherEntries(rootFd: number, volumes: readonly BootVolume[]): EntryFolderFact[] {
  return BOOT_MOUNTS.flatMap((partition) => {
    const names = listInRoot(rootFd, `${partition}/loader/entries`).filter((name) => name.endsWith(".conf"));
    const images = listInRoot(rootFd, `${partition}/EFI/Linux`).filter((name) => /\.efi$/i.test(name));
    const settings = tryReadInRoot(rootFd, `${partition}/loader/loader.conf`, LARGEST)?.toString("utf8");
    if (names.length === 0 && images.length === 0 && settings === undefined) return [];
    const find = finderAt(rootFd, partition, volumes);
    return [
      {
        partition: `/${partition}`,
        entries: names
          .toSorted()
          .flatMap((name) => entryAt(rootFd, `${partition}/loader/entries/${displayBytes(name)}`, find) ?? []),
        images: images.map((name) => displayBytes(name)).toSorted(),
        default: /^\s*default\s+(\S.*?)\s*$/m.exec(settings ?? "")?.[1],
      },
    ];
  });
}

/** Throws SystemError where they may not be read. */
export function gatherFirmware(): FirmwareFacts {
  return { entryDefault: readEfiText("LoaderEntryDefault"), entryOneShot: readEfiText("LoaderEntryOneShot") };
}

/** Paths of an entry start on its own partition; where that is a folder of the root, as in a tree that is not mounted yet, in that folder. */
function finderAt(rootFd: number, partition: string, volumes: readonly BootVolume[]): (path: string) => BootFile {
  const own = volumes.find(({ mountPoint }) => mountPoint === partition);
  return (path) => {
    if (own !== undefined) return findBootFile([own], undefined, path);
    const inFolder = findBootFile([{ uuid: undefined, starts: [rootFd], mountPoint: "" }], undefined, `/${partition}${path}`);
    const onRoot = findBootFile(volumes.slice(0, 1), undefined, path);
    return { path, state: inFolder.state === "missing" ? onRoot.state : inFolder.state };
  };
}

function entryAt(rootFd: number, path: string, find: (path: string) => BootFile): BootEntryFact | undefined {
  const text = tryReadInRoot(rootFd, bytesOf(path), LARGEST)?.toString("utf8");
  if (text === undefined) return undefined;
  const fileName = path.slice(path.lastIndexOf("/") + 1);
  const place = { path: `/${path}`, id: parseEntryName(fileName)?.id ?? fileName };
  // An entry that starts a program of the firmware and no kernel.
  const program = /^\s*(?:efi|uki)\s+(\S+)/m.exec(text)?.[1];
  if (program !== undefined) return { ...place, entry: plainEntry(program), files: [find(program)] };
  try {
    const entry = parseBootEntry(text);
    const initrds = entry.initrds.flatMap((line) => line.split(/\s+/)).filter((name) => name !== "" && !name.startsWith("$"));
    return { ...place, entry, files: [entry.linux, ...initrds].map((file) => find(withSlash(file))) };
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    return { ...place, entry: { reason: error.message }, files: [] };
  }
}

function plainEntry(program: string): BootEntry {
  return { title: "", linux: program, initrds: [], options: "", others: [] };
}

function withSlash(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
