/** A disk of which every write and flush is logged: QEMU's storage daemon over an image, exported as a file by FUSE. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface LoggedDisk {
  /** The file to put a loop device on. */
  readonly file: string;
  /** The log, which grows with every write. */
  readonly log: string;
}

/** Sparse; only what is written takes room. */
const MOST_LOG_BYTES = 64 * 2 ** 30;
const SECONDS_TO_START = 30;

/** Runs `use` with a logged view of `image`, and ends the daemon. `images` takes the log, `mounts` the export. Throws with what the daemon says. */
export async function withLoggedDisk<T>(
  image: string,
  { images, mounts }: { images: string; mounts: string },
  use: (disk: LoggedDisk) => Promise<T>,
): Promise<T> {
  const disk = { file: `${mounts}/logged-disk`, log: `${images}/write-log` };
  writeFileSync(disk.file, "");
  const fd = openSync(disk.log, "w");
  ftruncateSync(fd, MOST_LOG_BYTES);
  closeSync(fd);
  const blocks = [
    `driver=file,filename=${image},node-name=image`,
    `driver=file,filename=${disk.log},node-name=log`,
    "driver=blklogwrites,node-name=logged,file=image,log=log",
  ];
  const view = `type=fuse,id=view,node-name=logged,mountpoint=${disk.file},writable=on`;
  const args = [...blocks.flatMap((block) => ["--blockdev", block]), "--export", view];
  const daemon = spawn("qemu-storage-daemon", args, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    await untilExported(daemon, disk.file);
    return await use(disk);
  } finally {
    await end(daemon);
  }
}

async function untilExported(daemon: ChildProcess, file: string): Promise<void> {
  let said = "";
  daemon.stderr!.on("data", (data: Buffer) => (said += data.toString()));
  daemon.on("error", (error) => (said += error.message));
  const deadline = performance.now() + SECONDS_TO_START * 1000;
  while (!readFileSync("/proc/self/mountinfo", "utf8").includes(` ${file} `)) {
    if (hasEnded(daemon) || performance.now() > deadline) throw new Error(`qemu-storage-daemon does not export: ${said}`);
    await sleep(10);
  }
}

async function end(daemon: ChildProcess): Promise<void> {
  if (hasEnded(daemon)) return;
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  await ended;
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}
