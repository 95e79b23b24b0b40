/**
 * Making a commit a tree on a volume: as the difference to the nearest commit that is one already, so that blocks stay shared and later
 * streams stay small; where there is none, as a full checkout. The tree has its name when it is complete, sealed and durable.
 */
import type { Observer } from "../base/events.ts";
import { notice } from "../base/events.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { applyDifference } from "../store/checkout/delta/apply-difference.ts";
import type { CheckoutProgress } from "../store/checkout/checkout-state.ts";
import { checkoutInto } from "../store/checkout/checkout.ts";
import { countDifferentFolders } from "../store/diff/count-folders.ts";
import type { Repository } from "../store/repository.ts";
import { LAST_FLAGS, dropLastFlags } from "../sys/inode-flags.ts";
import { getFlags } from "../sys/metadata.ts";
import { existsAt } from "../sys/names.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import type { Place, VolumeDriver } from "../volume/driver.ts";
import { type SharedBytes, measureSharing } from "../volume/measure-sharing.ts";

/** A snapshot that holds a commit, on the same file system. */
export interface RealisedCommit {
  readonly commit: Checksum;
  readonly place: Place;
}

export interface RealiseRequest {
  readonly repository: Repository;
  readonly commit: Checksum;
  readonly driver: VolumeDriver;
  readonly target: Place;
  /** What it may be made from; those that are no longer there don't count. */
  readonly candidates: readonly RealisedCommit[];
}

export interface Realisation {
  /** What it was made from; undefined for a full checkout. */
  readonly base: RealisedCommit | undefined;
  /** In how many folders it differs from that. */
  readonly differentFolders: number;
  /** What was made or changed. */
  readonly progress: CheckoutProgress;
  /** Of the whole tree. */
  readonly sharing: SharedBytes;
}

/** Throws `exists`, `not-found`, `corrupt`, `no-space`, `cancelled`, SystemError; nothing is left then. */
export async function realiseCommit(request: RealiseRequest, observer: Observer = {}): Promise<Realisation> {
  const { repository, commit, driver, target } = request;
  const { base, differentFolders } = nearestBase(request, observer);
  const fill = async (rootFd: number): Promise<CheckoutProgress> => {
    if (base !== undefined) return applyDifference(repository, { from: base.commit, to: commit }, rootFd, observer);
    const progress = await checkoutInto(repository, commit, rootFd, { userMode: false }, observer);
    if ((getFlags(rootFd) & LAST_FLAGS) !== 0) {
      // With these the tree couldn't get its name.
      dropLastFlags(rootFd);
      notice(observer, "root-flags", "the inode flags i and a of the root itself were left out");
    }
    return progress;
  };
  const progress = await driver.build(target, base?.place, fill, observer);
  const fd = openAt(target.folderFd, target.name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    return { base, differentFolders, progress, sharing: measureSharing(fd) };
  } finally {
    closeFd(fd);
  }
}

/** The one with the fewest folders in which something differs; the first of those. */
function nearestBase(
  { repository, commit, candidates }: RealiseRequest,
  observer: Observer,
): Pick<Realisation, "base" | "differentFolders"> {
  let base: RealisedCommit | undefined;
  let differentFolders = Infinity;
  for (const candidate of candidates) {
    if (!existsAt(candidate.place.folderFd, candidate.place.name)) continue;
    const count = countDifferentFolders(repository, candidate.commit, commit, differentFolders, observer);
    if (count >= differentFolders) continue;
    base = candidate;
    differentFolders = count;
  }
  return { base, differentFolders: base === undefined ? 0 : differentFolders };
}
