/** /etc/fstab: does each line name a device and a subvolume that is there, and does none stand in the way of a rollback? */
import type { DoctorFacts, FstabFact } from "../facts.ts";
import { type Said, orOk, problem, warning } from "../finding.ts";
import { ofSeen, valueOf } from "../looked.ts";
import { deviceState } from "../device-names.ts";
import { subvolumeFlags } from "./parameters.ts";

export function checkFstab(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.fstab, (lines) =>
    orOk(
      lines.flatMap((line) => lineFindings(facts, line)),
      lines.length === 0 ? "/etc/fstab: has no lines." : "/etc/fstab: all that it names is there.",
    ),
  );
}

function lineFindings(facts: DoctorFacts, { line, hasMountPoint }: FstabFact): Said[] {
  const { source, target, options } = line;
  const where = `/etc/fstab, ${target === "none" ? source : target}`;
  const found: Said[] = [];
  const isOptional = options.includes("nofail") || options.includes("noauto");
  if (deviceState(facts, source) === "missing") {
    const message = `${where}: ${source} is the name of no device here.`;
    const cure = "Write the name that `blkid` tells, add nofail, or remove the line.";
    // Of a machine that is mounted at a folder, other disks may be elsewhere.
    const isCertain = facts.isLive && !isOptional;
    found.push(isCertain ? problem(`${message} The start waits for it, and stops.`, cure) : warning(message, cure));
  }
  if (target.replace(/\/+$/, "") === "/.regrow") {
    found.push(
      warning(
        `${where}: regrow's folder is mounted by fstab, which goes back with a rollback.`,
        "Remove the line; `regrow setup` has a unit for it.",
      ),
    );
  }
  if (!hasMountPoint)
    found.push(warning(`${where}: the folder is missing; systemd makes it, others don't.`, `\`mkdir -p ${target}\``));
  return [...found, ...subvolumeFindings(facts, line, where)];
}

function subvolumeFindings(facts: DoctorFacts, { source, target, type, options }: FstabFact["line"], where: string): Said[] {
  const subvolumes = valueOf(facts.subvolumes);
  const isOfRoot = source === facts.root.device || source.toLowerCase() === `uuid=${facts.root.uuid?.toLowerCase()}`;
  if (subvolumes === undefined || type !== "btrfs" || !isOfRoot) return [];
  const { path, id } = subvolumeFlags(options.join(","));
  const found: Said[] = [];
  if (path !== undefined && path !== "" && !subvolumes.some((each) => each.path === path))
    found.push(
      problem(`${where}: subvol=${path} is no subvolume of ${source}.`, "Write the name that `btrfs subvolume list /` tells."),
    );
  if (id !== undefined && id !== 5n && !subvolumes.some((each) => each.id === id))
    found.push(
      problem(`${where}: subvolid=${id} is no subvolume of ${source}.`, "Write subvol= with the name of the subvolume."),
    );
  if (id !== undefined && target === "/" && isByName(facts)) {
    found.push(
      problem(
        `${where}: subvolid=${id} names the root by its id, which a rollback changes: the system would remount the replaced one.`,
        `Write subvol=/${facts.root.subvolume?.path} alone.`,
      ),
    );
  }
  return found;
}

/** Class a: the root is found by its name. */
export function isByName({ bootClass }: Pick<DoctorFacts, "bootClass">): boolean {
  const verdict = valueOf(bootClass);
  return verdict !== undefined && "bootClass" in verdict && verdict.bootClass === "a";
}
