/**
 * What a boot loader starts of a system whose kernels are on a volume of their own: read from the loader's configuration as the system's
 * tree has it, so that it can be told of a commit as well.
 */
import { type BootEntry, parseBootEntry } from "../codec/bls-entry.ts";
import { parseGrubConfig } from "../codec/grub/config.ts";
import { type KernelParameter, splitCommandLine } from "../codec/kernel-command-line.ts";
import { kernelRelease } from "../codec/kernel-image.ts";
import { compareVersions } from "./kernel-version.ts";
import type { TreeReader } from "./tree-reader.ts";

export interface LoaderFiles {
  readonly loader: "grub" | "systemd-boot";
  /** Where the volume is mounted, such as `boot` or `efi`. */
  readonly volume: string;
  /** GRUB's own folder on it: `grub` or `grub2`. */
  readonly folder?: string | undefined;
}

export interface BootChoice {
  readonly title: string;
  readonly release: string;
  /** From the tree's root. */
  readonly kernelPath: string;
  readonly initrdPaths: readonly string[];
  /** Undefined where they are put together at the boot (`$kernelopts`). */
  readonly parameters: readonly KernelParameter[] | undefined;
  readonly hasModules: boolean;
}

interface Entry {
  readonly title: string;
  readonly linux: string;
  readonly initrds: readonly string[];
  readonly parameters: readonly KernelParameter[];
}

/** The first that is complete, else the first that has its kernel; undefined where there is none. Throws `corrupt`. */
export async function chooseBoot(tree: TreeReader, files: LoaderFiles): Promise<BootChoice | undefined> {
  let incomplete: BootChoice | undefined;
  const entries = files.loader === "grub" ? await grubEntries(tree, files) : await blsEntries(tree, files.volume);
  for (const entry of entries) {
    const choice = await describe(tree, files.volume, entry);
    if (choice?.hasModules === true && choice.initrdPaths.length > 0) return choice;
    incomplete ??= choice;
  }
  return incomplete;
}

async function grubEntries(tree: TreeReader, { volume, folder }: LoaderFiles): Promise<Entry[]> {
  const text = await tree.read(`${volume}/${folder}/grub.cfg`);
  if (text === undefined) return [];
  const config = parseGrubConfig(text.toString("utf8"));
  const found = config.entries.flatMap(({ title, linux, initrds, parameters }) =>
    linux === undefined ? [] : [{ title, linux, initrds, parameters }],
  );
  return config.usesBls ? [...(await blsEntries(tree, volume)), ...found] : found;
}

/** The one that `loader.conf` names first, then the newest. */
async function blsEntries(tree: TreeReader, volume: string): Promise<Entry[]> {
  const folder = `${volume}/loader/entries`;
  const entries: { readonly name: string; readonly entry: BootEntry }[] = [];
  for (const name of await tree.list(folder)) {
    const text = name.endsWith(".conf") ? await tree.read(`${folder}/${name}`) : undefined;
    if (text !== undefined) entries.push({ name, entry: parseBootEntry(text.toString("utf8")) });
  }
  const wanted = defaultPattern((await tree.read(`${volume}/loader/loader.conf`))?.toString("utf8") ?? "");
  const rank = (name: string): number => Number(wanted !== undefined && wanted.test(name));
  return entries
    .toSorted((a, b) => rank(b.name) - rank(a.name) || compareVersions(b.entry.version ?? b.name, a.entry.version ?? a.name))
    .map(({ entry }) => ({
      title: entry.title,
      linux: entry.linux,
      initrds: entry.initrds.filter((path) => !path.includes("$")),
      parameters: splitCommandLine(entry.options),
    }));
}

function defaultPattern(loaderConf: string): RegExp | undefined {
  const pattern = [...loaderConf.matchAll(/^\s*default\s+(\S+)\s*$/gm)].at(-1)?.[1];
  if (pattern === undefined || pattern.startsWith("@")) return undefined;
  const source = pattern
    .replaceAll(/[.+^${}()|\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}(\\.conf)?$`);
}

async function describe(tree: TreeReader, volume: string, entry: Entry): Promise<BootChoice | undefined> {
  const kernelPath = await locate(tree, volume, entry.linux);
  if (kernelPath === undefined) return undefined;
  const image = await tree.read(kernelPath);
  if (image === undefined) return undefined;
  const release = kernelRelease(image) ?? kernelPath.slice(kernelPath.lastIndexOf("/") + 1).replace(/^vmlinu[xz]-/, "");
  const initrds = await Promise.all(entry.initrds.map((path) => locate(tree, volume, path)));
  const isWhole = initrds.every((path) => path !== undefined);
  const modules = await tree.list(`usr/lib/modules/${release}`);
  return {
    title: entry.title,
    release,
    kernelPath,
    initrdPaths: isWhole ? (initrds as string[]) : [],
    parameters: entry.parameters.some((parameter) => parameter.includes("$")) ? undefined : entry.parameters,
    hasModules: modules.includes("modules.dep") || modules.includes("modules.dep.bin"),
  };
}

/** Paths start at the top of the volume, or of the file system that a subvolume is in. */
async function locate(tree: TreeReader, volume: string, path: string): Promise<string | undefined> {
  const plain = path.replace(/^\(.*?\)/, "").replace(/^\/+/, "");
  const slash = plain.lastIndexOf("/");
  for (const candidate of [plain, plain.slice(slash + 1)]) {
    const whole = `${volume}/${candidate}`;
    const folder = whole.slice(0, whole.lastIndexOf("/"));
    if ((await tree.list(folder)).includes(whole.slice(folder.length + 1))) return whole;
  }
  return undefined;
}
