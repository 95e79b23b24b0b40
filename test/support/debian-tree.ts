/**
 * A bootable Debian system as a tree of files, built once by mmdebstrap and kept outside the checkout:
 *
 *   $REGROW_TEST_CACHE, or ~/.cache/regrow-test
 *     debian-<hash of the recipe>.lock    held while any of the following is made
 *     debian-<hash of the recipe>/
 *       tree.tar       numeric owners, extended attributes, device nodes
 *       tree/          the same, unpacked; shared by all tests, so nobody may write there
 *       recipe.json    what it was made from
 *
 * A name that exists is complete: each is made under a temporary name and renamed.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { takeLock } from "../../src/sys/lock.ts";
import { CWD } from "../../src/sys/open.ts";
import { runProgram } from "../../src/sys/run-program.ts";

/** The programs that a test must require before it asks for a tree (besides root). */
export const DEBIAN_TREE_NEEDS = { root: true, programs: ["mmdebstrap", "tar"] } as const;

export interface DebianRecipe {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Shell commands for the finished tree, whose path they get as `$1`. */
  readonly hooks: readonly string[];
}

export interface DebianTree {
  /** Path of the tar. */
  readonly tar: string;
  /** Unpacks a copy of its own into the folder, which is made. */
  unpack(folder: string): Promise<void>;
  /** Path of the unpacked copy that all tests share: for reading only. */
  shared(): Promise<string>;
}

/** About 15,000 entries and 350 MB; boots with systemd-boot, its initramfs is made for any disk. */
export const BOOTABLE: DebianRecipe = {
  suite: "bookworm",
  packages: [
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "btrfs-progs",
    "systemd-boot-efi",
  ],
  hooks: ['echo regrow-test > "$1/etc/hostname"', 'rm -f "$1/etc/resolv.conf"'],
};

/** The tree of that recipe, built now if no test has asked for it before: about 30 s. Needs root and the network then. */
export async function debianTree(recipe: DebianRecipe = BOOTABLE): Promise<DebianTree> {
  const cache = cacheFolder();
  const name = `debian-${hashOf(recipe)}`;
  const folder = join(cache, name);
  mkdirSync(folder, { recursive: true });
  const tar = join(folder, "tree.tar");
  const shared = join(folder, "tree");
  const once = async (path: string, make: (temporary: string) => Promise<void>): Promise<void> => {
    if (existsSync(path)) return;
    const lock = await takeLock(CWD, join(cache, `${name}.lock`), { kind: "exclusive", timeoutSeconds: 900 });
    try {
      if (!existsSync(path)) await makeUnderTemporaryName(path, make);
    } finally {
      lock.release();
    }
  };
  await once(tar, (temporary) => build(recipe, temporary));
  writeFileSync(join(folder, "recipe.json"), `${JSON.stringify(recipe, undefined, 2)}\n`);
  return {
    tar,
    unpack: (target) => unpack(tar, target),
    shared: async () => {
      await once(shared, (temporary) => unpack(tar, temporary));
      return shared;
    },
  };
}

/** Where the tests keep what takes long to make and is the same each time. */
export function cacheFolder(): string {
  const folder = process.env["REGROW_TEST_CACHE"] ?? join(homedir(), ".cache", "regrow-test");
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function makeUnderTemporaryName(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.part`;
  rmSync(temporary, { recursive: true, force: true });
  await make(temporary);
  renameSync(temporary, path);
}

async function build(recipe: DebianRecipe, tar: string): Promise<void> {
  await runProgram({
    program: "mmdebstrap",
    args: [
      "--mode=root",
      "--format=tar",
      "--variant=minbase",
      `--include=${recipe.packages.join(",")}`,
      ...recipe.hooks.map((hook) => `--customize-hook=${hook}`),
      recipe.suite,
      tar,
    ],
    effect: "change",
  });
}

async function unpack(tar: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await runProgram({
    program: "tar",
    args: [
      "--extract",
      "--preserve-permissions",
      "--numeric-owner",
      "--xattrs",
      "--xattrs-include=*",
      `--file=${tar}`,
      `--directory=${folder}`,
    ],
    effect: "change",
  });
}

function hashOf(recipe: DebianRecipe): string {
  return createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
}
