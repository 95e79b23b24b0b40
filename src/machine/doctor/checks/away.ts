/** Boot volumes that are not mounted: what is below their folders then is what regrow keeps of them in the root, not what a start reads. */
import type { DoctorFacts } from "../facts.ts";
import { type Said, unseen } from "../finding.ts";
import { valueOf } from "../looked.ts";

export const ESP_PLACES = ["/efi", "/boot/efi", "/boot"] as const;

/** Those of the places that stand in fstab and are not mounted. */
export function awayOf({ fstab }: Pick<DoctorFacts, "fstab">, places: readonly string[]): readonly string[] {
  return places.filter((place) => valueOf(fstab)?.some(({ line, isAway }) => isAway && line.target === place) ?? false);
}

export function notMounted(place: string, what: string): Said {
  return unseen(`${place}: stands in /etc/fstab and is not mounted, so ${what} there can't be seen.`);
}
