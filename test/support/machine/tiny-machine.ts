/**
 * A machine small enough to be cut hundreds of times: a root subvolume with carried folders and one nested subvolume in a btrfs of its
 * own. All commands run as processes of their own, from the sources.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { run } from "../programs.ts";
import { type ChildEnd, startRegrow } from "../run-child.ts";
import type { MountedDevice } from "../power-cut/mounted-device.ts";
import { type FileFacts, treeFacts } from "../tree-facts.ts";

export type RootFacts = ReadonlyMap<string, unknown>;

export interface Layout {
  /** The root subvolume, from the top level. */
  readonly name: string;
  /** It is mounted as the default subvolume, not by its name. */
  readonly isDefault: boolean;
}

/** Class a, and class c. */
export const LAYOUTS: readonly Layout[] = [
  { name: "@", isDefault: false },
  { name: "@snap_root", isDefault: true },
];

/** What `setup` writes into `carry` and is in the tree. */
const CARRIED = ["home", "root", "srv", "var/log"];
const NESTED = "var/lib/machines";
/** Whose time changes as a nested subvolume moves, until the move is finished. */
const AROUND_NESTED = new Set(["var/lib", NESTED]);

/** Mounts the root as a boot would. */
export function mountRoot({ mount }: Pick<MountedDevice, "mount">, { name, isDefault }: Layout): string {
  return mount(isDefault ? "" : `subvol=${name}`);
}

/** Makes the root subvolume with a tree in it, below the top level. */
export function makeTinyRoot(top: string, { name, isDefault }: Layout): void {
  const root = `${top}/${name}`;
  run("btrfs", ["-q", "subvolume", "create", root]);
  if (isDefault) run("btrfs", ["subvolume", "set-default", root]);
  for (const folder of ["etc", "home/ada", "root", "srv", "var/lib", "var/log", "boot", "usr/bin", "usr/share/doc"])
    mkdirSync(`${root}/${folder}`, { recursive: true });
  writeFileSync(`${root}/etc/passwd`, "root:x:0:0::/root:/bin/sh\n");
  writeFileSync(`${root}/etc/os-release`, 'ID=tiny\nVERSION_ID=1\nPRETTY_NAME="Tiny 1"\n');
  writeFileSync(`${root}/usr/bin/tool`, "old ".repeat(5000));
  // Tells the engine for which processor the machine is.
  copyFileSync(realpathSync("/bin/sh"), `${root}/usr/bin/dash`);
  symlinkSync("tool", `${root}/usr/bin/alias`);
  for (let page = 0; page < 8; page++) writeFileSync(`${root}/usr/share/doc/${page}`, `page ${page}\n`.repeat(300 * page));
  writeFileSync(`${root}/home/ada/work`, "old");
  writeFileSync(`${root}/var/log/messages`, "old\n");
  run("btrfs", ["-q", "subvolume", "create", `${root}/${NESTED}`]);
  writeFileSync(`${root}/${NESTED}/one`, "nested");
}

/** Changes of the kinds that a bad upgrade makes, and work that must not be lost. */
export function breakTinyRoot(root: string): void {
  writeFileSync(`${root}/usr/bin/tool`, "broken ".repeat(4000));
  rmSync(`${root}/usr/bin/alias`);
  rmSync(`${root}/etc/passwd`);
  mkdirSync(`${root}/opt/added`, { recursive: true });
  writeFileSync(`${root}/opt/added/file`, "added ".repeat(3000));
  rmSync(`${root}/usr/share/doc/3`);
  mkdirSync(`${root}/usr/share/doc/3`);
  writeFileSync(`${root}/home/ada/work`, "new work");
}

/** Everything of the root but the content of the nested subvolume. */
export function rootFacts(root: string): RootFacts {
  const facts = new Map<string, unknown>();
  for (const [path, fact] of treeFacts(root)) {
    if (path.startsWith(`${NESTED}/`)) continue;
    facts.set(path, AROUND_NESTED.has(path) ? { ...fact, mtime: 0n } : fact);
  }
  return facts;
}

/** The facts of what going back to `good` from `now` must give: all of `good`, and of `now` what is carried. */
export function carriedInto(good: RootFacts, now: RootFacts): RootFacts {
  const isCarried = (path: string): boolean => CARRIED.some((carried) => path === carried || path.startsWith(`${carried}/`));
  const all = [...[...good].filter(([path]) => !isCarried(path)), ...[...now].filter(([path]) => isCarried(path))];
  return new Map(all);
}

/** Paths that are not the same in the two; none where they are the same. */
export function differingPaths(a: RootFacts, b: RootFacts): string[] {
  const paths = new Set([...a.keys(), ...b.keys()]);
  return [...paths].filter((path) => text(a.get(path) as FileFacts) !== text(b.get(path) as FileFacts)).toSorted();
}

/** `commands`: what stands after `--sysroot ROOT`. */
export function startMachine(root: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ChildEnd> {
  return startRegrow(["--sysroot", root, "-q", ...command], env).ended;
}

/** Throws where the command doesn't end with 0. */
export async function runMachine(root: string, ...command: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await startMachine(root, command);
  assert.equal(code, 0, `regrow ${command.join(" ")}: ${stderr}`);
  return stdout.trimEnd();
}

function text(fact: FileFacts | undefined): string {
  return fact === undefined ? "" : JSON.stringify(fact, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
}
