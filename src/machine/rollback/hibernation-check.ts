/** A hibernated system goes on with what it knows of its file systems: whatever is changed meanwhile is destroyed, or destroys. */
import { parseFstab } from "../../codec/fstab.ts";
import { parameterValue, splitCommandLine } from "../../codec/kernel-command-line.ts";
import { listDeviceNames } from "../../sys/block-devices.ts";
import { readProcFile, tryReadInRoot } from "../../sys/read-file.ts";
import type { Check } from "../check.ts";
import { gatherSwap } from "../doctor/gather/volumes.ts";
import type { Machine } from "../sysroot/machine.ts";

/** Of the swap areas that fstab and, on a running machine, `resume=` name. What can't be looked at is taken for none. */
export async function hibernationCheck(machine: Machine): Promise<Check> {
  const fstab = parseFstab(tryReadInRoot(machine.rootFd, "etc/fstab")?.toString("utf8") ?? "");
  const named = fstab.flatMap((line) => (typeof line !== "string" && line.type === "swap" ? [line.source] : []));
  const resumed = machine.isLive ? parameterValue(splitCommandLine(readProcFile("/proc/cmdline").trim()), "resume") : undefined;
  const sources = [...named, ...(resumed === undefined ? [] : [resumed])];
  const devices = sources.length === 0 ? [] : ((await listDeviceNames()) ?? []);
  const hibernated = gatherSwap(machine, sources, devices).find(({ state }) => state === "hibernated");
  if (hibernated === undefined) return { name: "hibernation", finding: "no system waits to be resumed" };
  const { path } = hibernated;
  return {
    name: "hibernation",
    finding: `a system waits in ${path}`,
    problem: {
      code: "refused",
      message: `${path}: a hibernated system waits there to be resumed, and would destroy what is switched now.`,
      hint: `Start that system and shut it down; or give it up for good: \`mkswap ${path}\`.`,
    },
  };
}
