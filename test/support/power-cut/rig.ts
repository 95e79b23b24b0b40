/**
 * Cuts the power of a disk in the middle of an operation, again and again. The operation runs once, on a file system whose disk logs
 * every write and flush; then the rig makes the states that a cut could have left, by the rules of replay-states.ts, mounts each, lets
 * a judge tell whether it is the old or the new one, and has the file system's own checker look at it.
 *
 * A killed process or guest can't show a missing flush, since the kernel's cache survives it; here nothing counts but what was flushed.
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fastFolder } from "../fast-folder.ts";
import { type RunOutcome, run, tryRun } from "../programs.ts";
import { seededRandom } from "../property.ts";
import { type Requirements, requires } from "../requires.ts";
import { withLoggedDisk } from "./logged-disk.ts";
import { type MountedDevice, type RigFileSystem, leftInUse, withLoopDevice, withMounted } from "./mounted-device.ts";
import { copyImage, startReplay } from "./replay-image.ts";
import { type ReplayState, replayStates } from "./replay-states.ts";
import { type LogEntry, readWriteLog } from "./write-log.ts";

export interface CutState extends MountedDevice {
  /** 1 for the first state. */
  readonly number: number;
  /** The operation had ended when the power was cut: what it promised must hold. */
  readonly isAcknowledged: boolean;
}

export interface PowerCutRequest {
  readonly fileSystem: RigFileSystem;
  /** Of the disk, in MiB; btrfs needs 120 at least. */
  readonly megabytes: number;
  /** How many states to look at, at most. */
  readonly states: number;
  readonly seed: number;
  /** For `prepare`, `operation` and `judge` alike. */
  readonly mountOptions?: string;
  /** Makes the old state; all of it is on the disk before the operation begins. */
  readonly prepare: (mounted: MountedDevice) => Promise<void>;
  /** What is cut. Its end promises that the new state lasts. */
  readonly operation: (mounted: MountedDevice) => Promise<void>;
  /** Which state that is, after it was mounted; may change it, mount it again, run the next command. Throws where it is neither. */
  readonly judge: (state: CutState) => Promise<"old" | "new">;
  /** False for an operation whose end promises nothing: it may still be undone by a cut. */
  readonly isDurable?: boolean;
}

export interface BadState {
  readonly number: number;
  /** Where the power was cut and what had reached the disk. */
  readonly where: string;
  readonly reason: string;
  /** The operation had ended, and its effect was lost; nothing else is wrong. */
  readonly isOnlyLost: boolean;
}

export interface PowerCutReport {
  readonly seed: number;
  /** Of the log since the operation began. */
  readonly writes: number;
  readonly flushes: number;
  /** Looked at, each different from the others. */
  readonly states: number;
  readonly atFlush: number;
  /** Cut after the operation had ended. */
  readonly acknowledged: number;
  readonly old: number;
  readonly new: number;
  readonly bad: readonly BadState[];
}

const NAME = "regrow-power-cut-";
const MOST_CHECKS = 300;
const PAUSE_MILLISECONDS = 100;
const NEEDS: Requirements = {
  root: true,
  programs: ["qemu-storage-daemon", "losetup", "mount", "umount", "btrfs", "mkfs.btrfs", "mkfs.ext4", "e2fsck"],
  files: ["/dev/fuse", "/dev/loop-control"],
};
const MAKE = { ext4: ["mkfs.ext4", "-q", "-F", "-m", "0"], btrfs: ["mkfs.btrfs", "-q", "-f"] } as const;
const CHECK = { ext4: ["e2fsck", "-fn"], btrfs: ["btrfs", "check", "--readonly"] } as const;

/** How many states to look at in the short form of a test; with REGROW_LONG=1 ten times as many, and never fewer than 320. */
export function cutStates(short: number): number {
  return process.env["REGROW_LONG"] === "1" ? Math.max(320, 10 * short) : short;
}

/** Whether this machine can run the rig; else skips the test by what is missing. */
export function requiresPowerCutRig(t: Pick<TestContext, "skip">, fileSystem: RigFileSystem, programs: string[] = []): boolean {
  return requires(t, { ...NEEDS, programs: [...NEEDS.programs!, ...programs], filesystems: [fileSystem, "fuse"] });
}

/**
 * Runs the operation and judges the states. Returns what was found, bad states included; rejects where the operation itself fails or
 * something can't be taken away. REGROW_KEEP_STATES=FOLDER keeps an image of each bad state, as it was before it was mounted.
 */
export async function withPowerCutRig(request: PowerCutRequest): Promise<PowerCutReport> {
  // Mounts are kept away from /dev, which others mount a second time with all that is below it.
  const place = { images: mkdtempSync(path.join(fastFolder(), NAME)), mounts: mkdtempSync(path.join(os.tmpdir(), NAME)) };
  let failure: unknown;
  try {
    return await replay(request, place, await record(request, place));
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    takeAway(place, failure);
  }
}

interface Place {
  /** Images and the log, in memory where that can be. */
  readonly images: string;
  /** Mount points. */
  readonly mounts: string;
}

/** What is still in use can't be removed, and its name is worth more than what went wrong before. */
function takeAway(place: Place, cause: unknown): void {
  const left = leftInUse(Object.values(place));
  if (left.length > 0) throw new Error(`the rig has left in use: ${left.join(", ")}`, { cause });
  for (const folder of Object.values(place)) rmSync(folder, { recursive: true });
}

interface Recording {
  readonly log: readonly LogEntry[];
  readonly logFile: string;
  /** The disk before the first entry of the log. */
  readonly base: string;
  /** … and after the last. */
  readonly disk: string;
  /** Entries before the operation began, and when it had ended. */
  readonly begin: number;
  readonly end: number;
}

async function record(request: PowerCutRequest, { images, mounts }: Place): Promise<Recording> {
  const { fileSystem, mountOptions: options } = request;
  const [image, base] = [`${images}/image`, `${images}/base`];
  makeFileSystem(request, image);
  await withLoopDevice(image, (device) => withMounted(device, mounts, { fileSystem, options }, request.prepare));
  copyImage(image, base);
  return withLoggedDisk(image, { images, mounts }, async ({ file, log: logFile }) => {
    const mark = (): number => readWriteLog(logFile).length;
    const marks = await withLoopDevice(file, (device) =>
      withMounted(device, mounts, { fileSystem, options }, async (mounted) => {
        run("sync", ["--file-system", mounted.path]);
        const begin = mark();
        await request.operation(mounted);
        return { begin, end: mark() };
      }),
    );
    return { ...marks, base, disk: image, logFile, log: readWriteLog(logFile) };
  });
}

async function replay(request: PowerCutRequest, place: Place, recording: Recording): Promise<PowerCutReport> {
  const { log, begin, end } = recording;
  const states = replayStates(log, { begin, end, count: request.states, random: seededRandom(request.seed) });
  const { write, finish } = startReplay(recording.base, recording.logFile, log);
  const found = { old: 0, new: 0, acknowledged: 0 };
  const bad: BadState[] = [];
  for (const [index, state] of states.entries()) {
    const image = `${place.images}/state`;
    write(state, image);
    const keep = process.env["REGROW_KEEP_STATES"];
    if (keep !== undefined) copyImage(image, `${place.images}/kept`);
    const isAcknowledged = state.cut >= end;
    if (isAcknowledged) found.acknowledged++;
    const numbered = { number: index + 1, isAcknowledged };
    const verdict = await judgeState(request, place.mounts, image, numbered);
    const isOnlyLost = verdict === "old" && isAcknowledged && request.isDurable !== false;
    if (verdict === "old" || verdict === "new") found[verdict]++;
    if (isOnlyLost || (verdict !== "old" && verdict !== "new")) {
      const reason = isOnlyLost ? "the operation had ended, and its effect is lost" : verdict;
      bad.push({ number: index + 1, where: describe(state, recording), reason, isOnlyLost });
      if (keep !== undefined) copyImage(`${place.images}/kept`, `${keep}/state-${request.seed}-${index + 1}`);
    }
    rmSync(image);
  }
  finish(recording.disk);
  const since = log.slice(begin);
  const flushes = since.filter(({ kind }) => kind === "flush").length;
  const atFlush = states.filter(({ isAtFlush }) => isAtFlush).length;
  const { seed } = request;
  return { seed, writes: since.length - flushes, flushes, states: states.length, atFlush, ...found, bad };
}

/** What the judge says, or what is wrong. */
async function judgeState(
  { fileSystem, mountOptions: options, judge }: PowerCutRequest,
  mounts: string,
  image: string,
  numbered: Pick<CutState, "number" | "isAcknowledged">,
): Promise<string> {
  return withLoopDevice(image, async (device) => {
    let verdict: string;
    try {
      verdict = await withMounted(device, mounts, { fileSystem, options }, (mounted) => judge({ ...mounted, ...numbered }));
    } catch (error) {
      verdict = error instanceof Error ? error.message : String(error);
    }
    const [program, ...args] = CHECK[fileSystem];
    const { status, stdout, stderr } = await whenFree(() => tryRun(program!, [...args, device]));
    return status === 0 ? verdict : `${verdict}; ${program}: ${stdout.toString()}${stderr}`;
  });
}

/** Somebody's new mount namespace may hold what is unmounted here for a while. */
async function whenFree(check: () => RunOutcome): Promise<RunOutcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = check();
    if (attempt === MOST_CHECKS || !outcome.stderr.includes("Device or resource busy")) return outcome;
    await sleep(PAUSE_MILLISECONDS);
  }
}

function makeFileSystem({ fileSystem, megabytes }: PowerCutRequest, image: string): void {
  const fd = openSync(image, "w");
  ftruncateSync(fd, megabytes * 2 ** 20);
  closeSync(fd);
  const [program, ...args] = MAKE[fileSystem];
  run(program!, [...args, image]);
}

function describe({ cut, base, kept, isAtFlush }: ReplayState, { begin, end }: Recording): string {
  const when = `cut at entry ${cut - begin} of ${end - begin}${cut >= end ? ", after its end" : ""}`;
  if (isAtFlush) return `${when}, at a flush`;
  const list = kept.map(({ entry, length }) => `${entry - begin}/${length}`).join(" ");
  return `${when}: all before ${base - begin}, then ${list || "nothing"}`;
}
