/**
 * A btrfs file system with a root, a prepared root and an order, for the engine to work on; the engine runs in a mount namespace of its
 * own, with its own kernel command line, console and kernel log.
 *
 *   @rootfs/marker                     says "old"
 *   @regrow/next/7/root/marker         says "new"
 *   @regrow/{history,policy,log}/
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type SwitchOrder, formatSwitchOrder } from "../../src/codec/switch-order.ts";
import { run, runText, tryRun } from "./programs.ts";
import { atEnd, scratchFolder } from "./scratch.ts";

export const ENGINE_NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mount", "losetup", "unshare", "busybox", "dash", "bash"],
  filesystems: ["btrfs"],
} as const;

export const SHELLS: readonly (readonly string[])[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]];

const ASSETS = join(import.meta.dirname, "../../assets/engine");

export interface Scene {
  readonly folder: string;
  readonly image: string;
  /** The loop device. */
  readonly device: string;
  /** Where the top level is mounted. */
  readonly top: string;
  readonly order: SwitchOrder;
  /** Unmounts it and lets the device go; else that is done after the test. */
  unmount(): void;
}

/** Where what is, by its marker; `none` where nothing is. */
export interface SceneState {
  readonly name: string;
  readonly next: string;
  readonly history: string;
  readonly policy: readonly string[];
  /** Which of the three has the subvolume that was nested in the old root. */
  readonly nested: string;
}

export const ARMED: SceneState = { name: "old", next: "new", history: "none", nested: "name", policy: ["switch"] };
export const SWITCHED: SceneState = { name: "new", next: "none", history: "old", nested: "name", policy: ["switch.done"] };

/** `name`: the root's path. */
export function makeScene(t: TestContext, name = "@rootfs"): Scene {
  const folder = scratchFolder(t);
  const image = join(folder, "image");
  writeFileSync(image, "");
  truncateSync(image, 128 * 2 ** 20);
  run("mkfs.btrfs", ["-q", image]);
  const { device, top, unmount } = mountImage(t, folder, image);
  mkdirSync(join(top, name, ".."), { recursive: true });
  const next = "@regrow/next/7/root";
  const currentId = makeRoot(top, name, "old");
  run("btrfs", ["-q", "subvolume", "create", join(top, "@regrow")]);
  chmodSync(join(top, "@regrow"), 0o700);
  for (const path of ["next/7", "history/7", "policy", "log"]) mkdirSync(join(top, "@regrow", path), { recursive: true });
  const nextId = makeRoot(top, next, "new");
  // A subvolume in the old root, and in the new one what a snapshot has in its place.
  mkdirSync(join(top, name, "var"));
  run("btrfs", ["-q", "subvolume", "create", join(top, name, NESTED)]);
  writeFileSync(join(top, name, NESTED, "kept"), "kept");
  mkdirSync(join(top, next, NESTED), { recursive: true });
  const history = "@regrow/history/7/root";
  const order: SwitchOrder = {
    operation: "7",
    bootClass: "a",
    name,
    next,
    nextId,
    currentId,
    history,
    kernels: [release()],
    nested: [NESTED],
  };
  const scene = { folder, image, device, top, order, unmount };
  arm(scene, formatSwitchOrder(order));
  return scene;
}

/** Attaches the image and mounts its top level at a new folder below `folder`, until the test ends or `unmount` is called. */
export function mountImage(
  t: TestContext,
  folder: string,
  image: string,
): { readonly device: string; readonly top: string; unmount(): void } {
  const device = runText("losetup", ["--find", "--show", image]);
  const top = join(folder, `top${device.replace(/\D/g, "")}`);
  mkdirSync(top, { recursive: true });
  let ended = false;
  const unmount = (): void => {
    if (ended) return;
    ended = true;
    run("umount", [top]);
    run("losetup", ["--detach", device]);
  };
  atEnd(t, unmount);
  run("mount", ["-o", "subvolid=5", device, top]);
  return { device, top, unmount };
}

export function arm(scene: Scene, text: string): void {
  writeFileSync(join(scene.top, "@regrow/policy/switch"), text);
}

const NESTED = "var/nested";

export function stateOf(top: string, order: SwitchOrder): SceneState {
  const marker = (path: string): string => {
    if (!existsSync(join(top, path))) return "none";
    return existsSync(join(top, path, "marker")) ? readFileSync(join(top, path, "marker"), "utf8") : "without a marker";
  };
  const policy = readdirSync(join(top, "@regrow/policy")).toSorted();
  const nested =
    (["name", "next", "history"] as const).find((place) => existsSync(join(top, order[place], NESTED, "kept"))) ?? "none";
  return { name: marker(order.name), next: marker(order.next), history: marker(order.history), nested, policy };
}

export interface EngineRun {
  readonly mode?: "shutdown" | "initramfs" | "running";
  readonly shell?: readonly string[];
  readonly device?: string;
  readonly cmdline?: string;
  /** The arguments after the device. */
  readonly more?: readonly string[];
  /** A folder with an engine of its own. */
  readonly engine?: string;
  /** A folder of programs that come before all others. */
  readonly path?: string;
}

export interface EngineResult {
  readonly status: number | null;
  /** What it told people: in the kernel's log, which has all of it. */
  readonly said: string;
  readonly stderr: string;
}

/** Runs the engine to its end. */
export function runEngine(scene: Scene, options: EngineRun = {}): EngineResult {
  const inFolder = (name: string): string => join(scene.folder, name);
  writeFileSync(inFolder("cmdline"), `${options.cmdline ?? "BOOT_IMAGE=/vmlinuz quiet"}\n`);
  for (const name of ["kmsg", "console"]) writeFileSync(inFolder(name), "");
  const engine = options.engine ?? enginesFolder(scene);
  const script = `set -e
    mount -t tmpfs tmpfs /run
    mount --bind "$1/cmdline" /proc/cmdline
    mount --bind "$1/kmsg" /dev/kmsg
    if [ -e /dev/console ]; then mount --bind "$1/console" /dev/console; fi
    shift
    echo $$ > /run/engine.pid
    exec "$@"`;
  const command = [...(options.shell ?? SHELLS[0]!), join(engine, "regrow-engine"), options.mode ?? "shutdown"];
  const device = options.device ?? scene.device;
  const arguments_ = device === "" && options.more === undefined ? [] : [device, ...(options.more ?? [])];
  const path = `${options.path === undefined ? "" : `${options.path}:`}/usr/sbin:/usr/bin:/sbin:/bin`;
  const { status, stderr } = tryRun("unshare", [
    ...["--mount", "env", `PATH=${path}`, "sh", "-c", script, "sh", scene.folder],
    ...command,
    ...arguments_,
  ]);
  return { status, said: readFileSync(inFolder("kmsg"), "utf8"), stderr };
}

/** The engine and the exchange program of this processor, side by side as they are installed. */
export function enginesFolder(scene: Scene): string {
  const folder = join(scene.folder, "engine");
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  copyFileSync(join(ASSETS, "regrow-engine"), join(folder, "regrow-engine"));
  const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch as "x64" | "arm64"];
  copyFileSync(join(ASSETS, `regrow-exchange.${machine}`), join(folder, "regrow-exchange"));
  return folder;
}

/**
 * Puts a shell script in front of every program that the engine runs, so that `script` is run with the number of that call in
 * `$number` before the program itself, and `after` after it. Returns what to give to `runEngine`.
 */
export function wrapPrograms(scene: Scene, before: string, after: string): { readonly engine: string; readonly path: string } {
  const [engine, path] = [join(scene.folder, "wrapped-engine"), join(scene.folder, "wrapped")];
  for (const folder of [engine, path]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  const plain = enginesFolder(scene);
  copyFileSync(join(plain, "regrow-engine"), join(engine, "regrow-engine"));
  const count = join(scene.folder, "calls");
  writeFileSync(count, "0\n");
  const wrap = (file: string, program: string): void => {
    const lines = [
      "#!/bin/dash",
      `read -r number < ${count}; number=$((number + 1)); echo $number > ${count}`,
      before,
      `${program} "$@"; status=$?`,
      after,
      "exit $status",
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    chmodSync(file, 0o755);
  };
  for (const name of ["mount", "umount", "mkdir", "rmdir", "mv", "dd", "btrfs"])
    wrap(join(path, name), `PATH=/usr/sbin:/usr/bin:/sbin:/bin ${name}`);
  wrap(join(engine, "regrow-exchange"), join(plain, "regrow-exchange"));
  return { engine, path };
}

/** How many programs the engine has run since `wrapPrograms`. */
export function callsOf(scene: Scene): number {
  return Number(readFileSync(join(scene.folder, "calls"), "utf8"));
}

function makeRoot(top: string, path: string, marker: string): number {
  run("btrfs", ["-q", "subvolume", "create", join(top, path)]);
  writeFileSync(join(top, path, "marker"), marker);
  return Number(runText("btrfs", ["inspect-internal", "rootid", join(top, path)]));
}
