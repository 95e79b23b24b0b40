/** What there is of GRUB: its programs and small configurations on the ESP, its menu, its environment. */
import { type ByteString, bytesOf, displayBytes, joinBytes } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import { type GrubConfig, parseGrubConfig, readsCustomConfig } from "../../../codec/grub/config.ts";
import { findEmbeddedSearch } from "../../../codec/grub/embedded-search.ts";
import { parseGrubEnvironment } from "../../../codec/grub/environment.ts";
import { O, closeFd, openInRoot } from "../../../sys/open.ts";
import { listInRoot } from "../../../sys/read-dir.ts";
import { tryReadInRoot } from "../../../sys/read-file.ts";
import { isOnBtrfs } from "../../../sys/space.ts";
import type { Machine } from "../../sysroot/machine.ts";
import type { GrubConfigFact, GrubEnvironmentFact, GrubFacts, GrubSearchFact } from "../facts.ts";
import { type BootVolume, findBootFile } from "./boot-volumes.ts";

const ESP_FOLDERS = ["boot/efi/EFI", "efi/EFI", "boot/EFI", "boot/efi/efi", "boot/efi"];
const MENU_FOLDERS = ["boot/grub", "boot/grub2"];
const LARGEST_PROGRAM = 64 * 1024 * 1024;
const LARGEST_TEXT = 16 * 1024 * 1024;

export function gatherGrub(machine: Machine, volumes: readonly BootVolume[]): GrubFacts {
  const { rootFd } = machine;
  const defaults = readText(rootFd, "etc/default/grub") ?? "";
  return {
    searches: espFiles(rootFd).flatMap((path) => searchOf(rootFd, path, volumes) ?? []),
    configs: MENU_FOLDERS.flatMap((folder) => configsIn(rootFd, folder, volumes)),
    environments: MENU_FOLDERS.flatMap((folder) => environmentIn(machine, folder) ?? []),
    savesDefault: /^\s*GRUB_SAVEDEFAULT=["']?true/m.test(defaults),
  };
}

/** Programs and `grub.cfg`, each once, in the folders of the vendors. */
function espFiles(rootFd: number): ByteString[] {
  const found = new Map<string, ByteString>();
  for (const esp of ESP_FOLDERS.map(bytesOf)) {
    for (const vendor of listInRoot(rootFd, esp)) {
      const folder = joinBytes(esp, vendor);
      for (const name of listInRoot(rootFd, folder)) {
        // FAT has one folder under many spellings.
        const path = joinBytes(folder, name);
        const key = path.toLowerCase();
        if (/\.efi$|^grub\.cfg$/i.test(name) && !found.has(key)) found.set(key, path);
      }
    }
  }
  return [...found.values()].toSorted();
}

function searchOf(rootFd: number, path: ByteString, volumes: readonly BootVolume[]): GrubSearchFact | undefined {
  const content = tryReadInRoot(rootFd, path, LARGEST_PROGRAM);
  if (content === undefined) return undefined;
  const { isGrub, uuids, prefix } = findEmbeddedSearch(content);
  if (!isGrub && !path.toLowerCase().endsWith("grub.cfg")) return undefined;
  if (uuids.length === 0) return undefined;
  const here = uuids.find((uuid) => volumes.some((volume) => volume.uuid === uuid.toLowerCase()));
  const config = prefix === undefined || here === undefined ? undefined : findBootFile(volumes, here, `${prefix}/grub.cfg`);
  return { path: `/${displayBytes(path)}`, uuids, config };
}

function configsIn(rootFd: number, folder: string, volumes: readonly BootVolume[]): GrubConfigFact[] {
  const main = configAt(rootFd, `${folder}/grub.cfg`, volumes);
  if (main === undefined) return [];
  const custom =
    "reason" in main.config || !readsCustomConfig(main.config) ? undefined : configAt(rootFd, `${folder}/custom.cfg`, volumes);
  return custom === undefined ? [main] : [main, custom];
}

function configAt(rootFd: number, path: string, volumes: readonly BootVolume[]): GrubConfigFact | undefined {
  const text = readText(rootFd, path);
  if (text === undefined) return undefined;
  try {
    const config = parseGrubConfig(text);
    return { path: `/${path}`, config, entries: entriesOf(config, volumes, path) };
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    return { path: `/${path}`, config: { reason: error.message }, entries: [] };
  }
}

function entriesOf(config: GrubConfig, volumes: readonly BootVolume[], path: string): GrubConfigFact["entries"] {
  // Where nothing is searched for, GRUB stays on the file system that the configuration is on.
  const own = volumes.findLast(({ mountPoint }) => mountPoint === "" || path.startsWith(`${mountPoint}/`));
  return config.entries
    .filter(({ linux }) => linux !== undefined)
    .map(({ title, linux, initrds, searchUuid, parameters }) => ({
      title,
      files: [linux!, ...initrds].map((file) =>
        searchUuid === undefined
          ? findBootFile(own === undefined ? [] : [own], undefined, file)
          : findBootFile(volumes, searchUuid, file),
      ),
      parameters,
    }));
}

function environmentIn({ rootFd, mount, mounts }: Machine, folder: string): GrubEnvironmentFact | undefined {
  const path = `${folder}/grubenv`;
  const block = tryReadInRoot(rootFd, path, LARGEST_TEXT);
  if (block === undefined) return undefined;
  const { type, source } = mounts.get(bytesOf("boot")) ?? mount;
  // It may be a link to the ESP.
  const isOnEsp = type === "btrfs" && !isFileOnBtrfs(rootFd, path);
  const place = { path: `/${path}`, ...(isOnEsp ? { type: "vfat", device: "" } : { type, device: source }) };
  try {
    return { ...place, values: parseGrubEnvironment(block).values };
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    return { ...place, values: { reason: error.message } };
  }
}

function isFileOnBtrfs(rootFd: number, path: string): boolean {
  const fd = openInRoot(rootFd, path, O.RDONLY | O.NONBLOCK);
  try {
    return isOnBtrfs(fd);
  } finally {
    closeFd(fd);
  }
}

function readText(rootFd: number, path: string): string | undefined {
  return tryReadInRoot(rootFd, path, LARGEST_TEXT)?.toString("utf8");
}
