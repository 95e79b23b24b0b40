/** Runs a program of another system, in its root. */
import { type ProgramCall, type ProgramResult, runProgram } from "./run-program.ts";

// What programs expect beneath a root, mounted by that system's own `mount`: so no link in it can lead out. All of it is in a mount
// namespace and goes with it, however the program ends.
const PREPARE = `mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs devtmpfs /dev && mount -t tmpfs tmpfs /run &&
exec "$@"`;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs the program with the folder that is open as `rootFd` as its root, and /proc, /sys, /dev and /run of its own. The root needs a shell and
 * `mount`. Throws as `runProgram` does.
 */
export function runInRoot(rootFd: number, call: ProgramCall): Promise<ProgramResult> {
  const inside = ["/bin/sh", "-c", PREPARE, "sh", call.program, ...call.args];
  return runProgram({
    ...call,
    program: "unshare",
    args: ["--mount", "--propagation", "private", "chroot", ".", ...inside],
    folderFd: rootFd,
    environment: { PATH, ...call.environment },
  });
}
