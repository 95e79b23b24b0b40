/** How much still fits on btrfs: what is allocated and not used, and what could still be allocated, every copy counted. */
import type { BtrfsSpace, SpaceGroup } from "../../sys/btrfs/space.ts";
import type { VolumeSpace } from "../driver.ts";

/**
 * An estimate: what is not allocated yet could become either, so `free` and `metadataFree` are not to be added up. Profiles that
 * spread copies over devices of different sizes get less.
 */
export function estimateSpace(space: BtrfsSpace): VolumeSpace {
  const used = space.groups.reduce((sum, group) => sum + group.used * group.copies, 0);
  const data = space.groups.filter(({ kind }) => kind === "data" || kind === "mixed");
  const metadata = space.groups.filter(({ kind }) => kind === "metadata");
  const free = roomIn(data) + space.unallocated / copiesOf(data);
  const metadataFree = roomIn(metadata) - space.reserve + space.unallocated / copiesOf(metadata);
  return {
    total: space.deviceBytes,
    used: Math.round(used),
    free: Math.floor(free),
    metadataFree: metadata.length === 0 ? undefined : Math.max(Math.floor(metadataFree), 0),
  };
}

function roomIn(groups: readonly SpaceGroup[]): number {
  return groups.reduce((sum, { total, used }) => sum + total - used, 0);
}

/** Where a conversion was left half done there are two profiles: the dearer one counts. */
function copiesOf(groups: readonly SpaceGroup[]): number {
  return Math.max(1, ...groups.map(({ copies }) => copies));
}
