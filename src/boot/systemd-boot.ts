/**
 * systemd-boot on an ESP that holds the kernels too:
 *
 *   EFI/systemd/systemd-bootx64.efi, EFI/BOOT/BOOTX64.EFI   the program: for an entry in the firmware, and for firmware without one
 *   regrow/<start of its SHA-256>-linux, …-initrd            kernels and initrds by content, shared by all entries that need them
 *   loader/loader.conf                                       which entry, how long the menu waits
 *   loader/entries/<id>.conf                                 written last
 */
import { formatBootEntry, formatEntryName } from "../codec/bls-entry.ts";
import type { BootFile, BootLoader, BootRequest, ContentFile } from "./boot-loader.ts";

export const SYSTEMD_BOOT: BootLoader = {
  name: "systemd-boot",
  debianPackage: "systemd-boot-efi",
  programPaths: (architecture) => {
    const suffix = EFI_SUFFIXES[architecture];
    return suffix === undefined ? [] : [`usr/lib/systemd/boot/efi/systemd-boot${suffix}.efi`];
  },
  planFiles,
};

const EFI_SUFFIXES: Readonly<Record<string, string>> = { x64: "x64", arm64: "aa64" };
const PROGRAM_NAME = /systemd-boot(\w+)\.efi$/;

function planFiles(request: BootRequest): readonly BootFile[] {
  const suffix = PROGRAM_NAME.exec(request.program.path)?.[1] ?? "x64";
  const kernelPath = contentPath(request.kernel, "linux");
  const initrdPath = contentPath(request.initrd, "initrd");
  const entry = formatBootEntry({
    title: request.title,
    version: request.version,
    sortKey: "regrow",
    linux: `/${kernelPath}`,
    initrds: [`/${initrdPath}`],
    options: request.commandLine,
    others: [],
  });
  const entryName = formatEntryName({ id: request.id });
  return [
    { path: kernelPath, content: request.kernel },
    { path: initrdPath, content: request.initrd },
    { path: `EFI/systemd/systemd-boot${suffix}.efi`, content: request.program },
    { path: `EFI/BOOT/BOOT${suffix.toUpperCase()}.EFI`, content: request.program },
    { path: "loader/loader.conf", content: { text: `default ${entryName}\ntimeout ${request.menuSeconds}\n` } },
    { path: `loader/entries/${entryName}`, content: { text: entry } },
  ];
}

function contentPath(file: ContentFile, kind: string): string {
  return `regrow/${file.sha256.slice(0, 32)}-${kind}`;
}
