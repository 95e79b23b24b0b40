/** GRUB's environment block: whole, and where GRUB can write to it if it has to. */
import type { DoctorFacts, GrubEnvironmentFact } from "../facts.ts";
import { type Said, orOk, problem, skipped, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";
import { awayOf, notMounted } from "./away.ts";

export function checkGrubEnvironment(facts: DoctorFacts): readonly Said[] {
  if (awayOf(facts, ["/boot"]).length > 0) return [notMounted("/boot", "a grubenv")];
  return ofSeen(facts.grub, ({ environments, savesDefault }) => {
    if (environments.length === 0) return [skipped("There is no grubenv.")];
    return orOk(
      environments.flatMap((environment) => findings(environment, savesDefault)),
      `${environments[0]!.path}: is whole.`,
    );
  });
}

function findings({ path, values, type, device }: GrubEnvironmentFact, savesDefault: boolean): Said[] {
  const inSystem = path.replace(/^.*?\/boot\//, "/boot/");
  if (!(values instanceof Map)) {
    const { reason } = values as { readonly reason: string };
    return [problem(`${path}: is damaged, and GRUB forgets its default: ${reason}`, `\`grub-editenv ${inSystem} create\``)];
  }
  const where = whyUnwritable(type, device);
  if (where === undefined) return [];
  const next = (values as ReadonlyMap<string, string>).get("next_entry");
  if (next !== undefined && next !== "") {
    return [
      problem(
        `${path}: next_entry is "${next}", and GRUB can't take it back, because the file is on ${where}: every start takes that entry.`,
        `\`grub-editenv ${inSystem} unset next_entry\``,
      ),
    ];
  }
  if (!savesDefault) return [];
  return [
    warning(
      `${path}: is on ${where}, where GRUB can't write: GRUB_SAVEDEFAULT has no effect.`,
      "Take GRUB_SAVEDEFAULT out of /etc/default/grub, or put /boot on ext4 or FAT without LVM.",
    ),
  ];
}

function whyUnwritable(type: string, device: string): string | undefined {
  if (type === "btrfs") return "btrfs";
  return /^\/dev\/(?:mapper\/|dm-|md)/.test(device) ? `${device} (LVM, a RAID or encrypted)` : undefined;
}
