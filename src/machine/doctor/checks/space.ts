/** Room for the next kernel, for metadata, for a commit. */
import { formatSize } from "../../../base/units.ts";
import type { DoctorFacts, SpaceFact } from "../facts.ts";
import { type Said, ok, problem, skipped, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";

const MIB = 2 ** 20;
/** Without a kernel to go by: what a start files at least. */
const LEAST_ON_BOOT = 8 * MIB;
/** What a rollback asks for. */
const LEAST_ON_ROOT = 64 * MIB;
/** One more block group of btrfs. */
const BLOCK_GROUP = 2 ** 30;

export function checkBootSpace(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.bootSpace, (spaces) => {
    if (spaces.length === 0) return [skipped("Neither /boot nor an ESP is a file system of its own that is mounted.")];
    return spaces.flatMap((space) => bootFindings(space));
  });
}

function bootFindings({ path, available, needed }: SpaceFact): Said[] {
  const room = `${formatSize(available)} are free`;
  const size = `one more kernel with its initramfs takes ${formatSize(needed)}`;
  const cure = "Remove kernels that nobody starts any more (on Debian `apt autoremove --purge`).";
  if (available < Math.max(needed, LEAST_ON_BOOT))
    return [problem(needed === 0 ? `${path}: only ${room}.` : `${path}: only ${room}; ${size}.`, cure)];
  if (available < 2 * needed) return [warning(`${path}: ${room}; ${size}.`, cure)];
  return [ok(needed === 0 ? `${path}: ${room}.` : `${path}: ${room}; ${size}.`)];
}

export function checkRootSpace({ root }: DoctorFacts): readonly Said[] {
  const { available, device } = root;
  if (available >= LEAST_ON_ROOT) return [ok(`${device}: ${formatSize(available)} are free.`)];
  const message = `${device}: only ${formatSize(available)} are free; a rollback asks for ${formatSize(LEAST_ON_ROOT)}.`;
  return [problem(message, "Free some space: `regrow prune --policy`, or remove what is not needed.")];
}

export function checkMetadata(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.metadata, ({ free, growable, used, unallocated }) => {
    const left = free + growable;
    const text = `${facts.root.device}: btrfs has ${formatSize(free)} free for metadata and ${formatSize(unallocated)} unallocated`;
    const cure =
      "Give unused block groups back: `btrfs balance start -dusage=20 /`; or `regrow prune --policy`, and then `btrfs filesystem sync /`.";
    if (left < Math.max(32 * MIB, used / 20))
      return [problem(`${text}: a snapshot or a switch may fail although data has room.`, cure)];
    if (unallocated < BLOCK_GROUP && left < Math.max(128 * MIB, used / 4)) return [warning(`${text}.`, cure)];
    return [ok(`${text}.`)];
  });
}

export function checkRepositorySpace(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.repository, ({ available, reserve }) => {
    const text = `The repository leaves ${formatSize(reserve)} free (min-free-space in its config), and ${formatSize(available)} are`;
    const cure = "Free some space: `regrow prune --policy`; or lower min-free-space-percent in the repository's config.";
    if (available <= reserve) return [problem(`${text}: the next commit fails.`, cure)];
    if (available - reserve < 256 * MIB) return [warning(`${text}.`, cure)];
    return [ok(`${text}.`)];
  });
}
