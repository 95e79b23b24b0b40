/** What a kernel's parameters say of the root, and whether that is so. Pure; for the checks of all places where parameters stand. */
import { type KernelParameter, parameterValue } from "../../../codec/kernel-command-line.ts";
import { deviceState } from "../device-names.ts";
import type { DoctorFacts } from "../facts.ts";
import { type Said, problem } from "../finding.ts";
import { valueOf } from "../looked.ts";

/** `where`: the path, and the entry there. `cure`: how what stands there is mended. */
export function rootParameterFindings(
  facts: Pick<DoctorFacts, "devices" | "root" | "subvolumes" | "fstab" | "isLive">,
  where: string,
  parameters: readonly KernelParameter[],
  cure: string,
): Said[] {
  const root = parameterValue(parameters, "root");
  const found: Said[] = [];
  if (root !== undefined && isMissing(facts, root))
    found.push(problem(`${where}: root=${root} is the name of no device here, so this start finds no root.`, cure));
  if (root === undefined || !isRootDevice(facts, root)) return found;
  const flags = subvolumeFlags(parameterValue(parameters, "rootflags") ?? "");
  const subvolumes = valueOf(facts.subvolumes);
  if (subvolumes === undefined) return found;
  if (flags.path !== undefined && flags.path !== "" && !subvolumes.some(({ path }) => path === flags.path))
    found.push(problem(`${where}: rootflags=subvol=${flags.path} is no subvolume of ${facts.root.device}.`, cure));
  if (flags.id !== undefined && flags.id !== 5n && !subvolumes.some(({ id }) => id === flags.id))
    found.push(problem(`${where}: rootflags=subvolid=${flags.id} is no subvolume of ${facts.root.device}.`, cure));
  return found;
}

/** Of mount options with commas between them: the subvolume, without a slash in front. */
export function subvolumeFlags(options: string): { readonly path: string | undefined; readonly id: bigint | undefined } {
  const all = options.split(",");
  const path = all.findLast((option) => option.startsWith("subvol="))?.slice("subvol=".length);
  const id = /^subvolid=(\d+)$/.exec(all.findLast((option) => option.startsWith("subvolid=")) ?? "")?.[1];
  return { path: path?.replace(/^\/+|\/+$/g, ""), id: id === undefined ? undefined : BigInt(id) };
}

/**
 * No device here has that name. Of a machine that is mounted at a folder, other disks may be elsewhere: what its fstab names as well is taken
 * for one of them.
 */
export function isMissing(facts: Pick<DoctorFacts, "devices" | "root" | "fstab" | "isLive">, source: string): boolean {
  if (deviceState(facts, source) !== "missing") return false;
  const known = valueOf(facts.fstab)?.some(({ line }) => line.source.toLowerCase() === source.toLowerCase()) ?? false;
  return facts.isLive || !known;
}

function isRootDevice({ root, devices }: Pick<DoctorFacts, "root" | "devices">, source: string): boolean {
  if (source === root.device || source.toLowerCase() === `uuid=${root.uuid?.toLowerCase()}`) return true;
  const label = /^LABEL=(.*)$/.exec(source)?.[1];
  return label !== undefined && (valueOf(devices)?.some((each) => each.label === label && each.uuid === root.uuid) ?? false);
}
