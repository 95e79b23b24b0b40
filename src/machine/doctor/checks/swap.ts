/** Swap: a file that stops snapshots, and a hibernated system that a switch would destroy. */
import type { DoctorFacts } from "../facts.ts";
import { type Said, orOk, problem, skipped } from "../finding.ts";
import { ofSeen } from "../looked.ts";

export function checkSwap(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.swap, (areas) => {
    if (areas.length === 0) return [skipped("There is no swap.")];
    const isBtrfs = facts.root.type === "btrfs";
    const found = areas.flatMap(({ path, state, isActive, isInRoot }): Said[] => {
      if (state === "hibernated") {
        const message = `${path}: a hibernated system waits there to be resumed. A switch, or any change of its file systems from outside, would destroy them when it wakes up.`;
        const cure =
          isActive || facts.isLive
            ? `\`swapoff ${path}; mkswap ${path}\`, if nothing is to be resumed`
            : "Start that system and shut it down.";
        return [problem(message, cure)];
      }
      if (!isInRoot || !isBtrfs) return [];
      const message = `${path}: a swapfile in the root subvolume stops every snapshot of it while it is in use.`;
      const cure =
        "Give it a subvolume of its own: swapoff, move it into a new subvolume (`btrfs subvolume create`), swapon, and mend fstab.";
      return [problem(message, cure)];
    });
    return orOk(found, `${areas.map(({ path }) => path).join(", ")}: no hibernated system, and nothing in the way of snapshots.`);
  });
}
