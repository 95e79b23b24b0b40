/** Loop devices and mounts that end with whoever asked for them, also when something fails. */
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { runText, tryRun } from "../programs.ts";

export type RigFileSystem = "btrfs" | "ext4";

export interface MountedDevice {
  /** Where the file system is mounted, with the options that were asked for. */
  readonly path: string;
  /** The block device, to mount it again or to look at it. */
  readonly device: string;
  /** Mounts the same device once more, such as with `subvolid=5`, until the work is done; the folder. Throws where that fails. */
  readonly mount: (options: string) => string;
}

/** Of so many milliseconds each. A mount namespace that somebody else makes meanwhile holds our mounts until it ends. */
const ATTEMPTS = 6000;
const PAUSE_MILLISECONDS = 10;

/** Runs `use` with a loop device on `file`, and takes the device away. */
export async function withLoopDevice<T>(file: string, use: (device: string) => Promise<T>): Promise<T> {
  const device = runText("losetup", ["--find", "--show", file]);
  try {
    return await use(device);
  } finally {
    // The kernel remembers of which device a btrfs was, and would refuse an older state of it on another one.
    tryRun("btrfs", ["device", "scan", "--forget", device]);
    await untilDone("losetup", ["--detach", device]);
    await untilFree(device, file);
  }
}

/** Runs `use` with the device mounted, and unmounts it and what `use` has mounted. `folder` takes the mount points. */
export async function withMounted<T>(
  device: string,
  folder: string,
  { fileSystem, options = "" }: { fileSystem: RigFileSystem; options?: string | undefined },
  use: (mounted: MountedDevice) => Promise<T>,
): Promise<T> {
  const points: string[] = [];
  const mount = (more: string): string => {
    const point = freePoint(folder);
    mkdirSync(point, { recursive: true });
    const { status, stderr } = tryRun("mount", ["-t", fileSystem, "-o", more === "" ? "defaults" : more, device, point]);
    if (status !== 0) throw new Error(`mount -o ${more} failed: ${stderr.trim()}`);
    points.push(point);
    return point;
  };
  try {
    return await use({ path: mount(options), device, mount });
  } finally {
    for (const point of points.toReversed()) await untilDone("umount", [point]);
  }
}

/** What below the folders is still mounted, or holds a loop device. */
export function leftInUse(folders: readonly string[]): string[] {
  const isBelow = (file: string): boolean => folders.some((folder) => file.startsWith(`${folder}/`));
  const points = contentOf("/proc/self/mountinfo")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  const devices = readdirSync("/sys/block").map((name) => ({ name, file: contentOf(`/sys/block/${name}/loop/backing_file`) }));
  return [
    ...points.filter(isBelow),
    ...devices.filter(({ file }) => isBelow(file)).map(({ name, file }) => `/dev/${name} on ${file.trim()}`),
  ];
}

/** Who looks at all devices, as `blkid` does, keeps one alive that is detached already. */
async function untilFree(device: string, file: string): Promise<void> {
  const backing = device.replace("/dev/", "/sys/block/").concat("/loop/backing_file");
  for (let attempt = 1; contentOf(backing).startsWith(file); attempt++) {
    if (attempt === ATTEMPTS) throw new Error(`${device} can't be detached from ${file}`);
    await sleep(PAUSE_MILLISECONDS);
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function freePoint(folder: string): string {
  const points = readFileSync("/proc/self/mountinfo", "utf8");
  let number = 1;
  while (points.includes(` ${folder}/at-${number} `) || (number > 1 && existsSync(`${folder}/at-${number}`))) number++;
  return `${folder}/at-${number}`;
}

/** A process that has just ended may keep a device for a moment. */
async function untilDone(program: string, args: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { status, stderr } = tryRun(program, args);
    if (status === 0) return;
    if (attempt === ATTEMPTS) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
    await sleep(PAUSE_MILLISECONDS);
  }
}
