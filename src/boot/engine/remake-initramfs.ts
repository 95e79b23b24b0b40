/** Lets the distribution's own tool make the initramfs images anew, so that they have the engine in them, or have it no more. */
import { RegrowError } from "../../base/errors.ts";
import { type Observer, report } from "../../base/events.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { O, closeFd, openInRoot } from "../../sys/open.ts";
import { runInRoot } from "../../sys/run-in-root.ts";
import { runProgram } from "../../sys/run-program.ts";
import { gatherEngineFacts } from "./engine-facts.ts";
import { REMAKE_INITRAMFS } from "./engine-files.ts";
import { type EngineInImage, engineInImage, initramfsImages } from "./initramfs-image.ts";

export interface InitramfsFacts {
  /** The program with its arguments that makes all images. */
  readonly command: readonly string[];
  /** Those in /boot that it makes and that can be read here, by their path from the root. */
  readonly images: readonly { readonly path: string; readonly engine: Exclude<EngineInImage, "unreadable"> }[];
}

/** Images that are made once, when a system is installed, and by no tool again. */
const MADE_ONCE = /rescue/;

/** Undefined where no tool that makes images is known. Takes about a second for each image. Throws as `gatherEngineFacts` does. */
export async function gatherInitramfsFacts(rootFd: number): Promise<InitramfsFacts | undefined> {
  const [generator] = gatherEngineFacts(rootFd).machine.generators;
  if (generator === undefined) return undefined;
  const images: InitramfsFacts["images"][number][] = [];
  for (const path of initramfsImages(rootFd)) {
    if (MADE_ONCE.test(path)) continue;
    const engine = await engineInImage(rootFd, path);
    if (engine !== "unreadable") images.push({ path, engine });
  }
  return { command: REMAKE_INITRAMFS[generator], images };
}

/**
 * Runs the command in the root that is open as `rootFd`, which takes from seconds to minutes, then looks whether each image is
 * as `wanted`. Throws `program-failed`, `missing-program`, `no-space`, `cancelled`.
 */
export async function remakeInitramfs(
  { rootFd, isLive }: { readonly rootFd: number; readonly isLive: boolean },
  { command }: Pick<InitramfsFacts, "command">,
  wanted: "current" | "absent",
  observer: Observer = {},
): Promise<void> {
  report(observer, "initramfs", { done: 0 });
  const [program, ...args] = command as [string, ...string[]];
  const call = {
    program,
    args,
    effect: "change",
    ...(observer.signal === undefined ? {} : { signal: observer.signal }),
  } as const;
  try {
    await (isLive ? runProgram(call) : runInRoot(rootFd, call));
  } catch (error) {
    throw withNextStep(error, command);
  }
  flushBoot(rootFd);
  const wrong = (await gatherInitramfsFacts(rootFd))?.images.filter(({ engine }) => engine !== wanted) ?? [];
  if (wrong.length === 0) return;
  const state = wanted === "current" ? "does not have the engine in it" : "still has the engine in it";
  throw new RegrowError("program-failed", `/${wrong[0]!.path}: ${state}, although \`${command.join(" ")}\` has ended well.`, {
    path: `/${wrong[0]!.path}`,
    hint: "Look whether that image is of a kernel that is gone, and remove it then; `--no-initramfs` leaves the images alone.",
  });
}

// The tools rename what they have written without waiting for the disk, and /boot may be a file system of its own.
function flushBoot(rootFd: number): void {
  const fd = openInRoot(rootFd, "boot", O.RDONLY | O.DIRECTORY);
  try {
    syncFileSystem(fd);
  } finally {
    closeFd(fd);
  }
}

function withNextStep(error: unknown, command: readonly string[]): unknown {
  if (!(error instanceof RegrowError) || error.code === "cancelled") return error;
  return new RegrowError(error.code, error.message, {
    path: error.path,
    hint: `Make the images anew with \`${command.join(" ")}\` before the next start, or mend what it says and run this again; \`--no-initramfs\` leaves them alone.`,
    cause: error,
  });
}
