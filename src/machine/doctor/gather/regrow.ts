/** What regrow itself has on the machine: the engine, its own folder, the repository. */
import { bytesOf, displayBytes } from "../../../base/byte-string.ts";
import { RegrowError } from "../../../base/errors.ts";
import { gatherEngineFacts } from "../../../boot/engine/engine-facts.ts";
import { REMAKE_INITRAMFS } from "../../../boot/engine/engine-files.ts";
import { engineInImage, initramfsImages } from "../../../boot/engine/initramfs-image.ts";
import { readSwitchPolicy } from "../../../boot/engine/switch-policy.ts";
import { loadCommit } from "../../../store/object-files.ts";
import { isCompanionRef, listRefs, readRef } from "../../../store/refs.ts";
import { type Repository, withRepository } from "../../../store/repository.ts";
import { btrfsUuid } from "../../../sys/btrfs/file-system-uuid.ts";
import { isReadOnlySubvolume } from "../../../sys/btrfs/subvolumes.ts";
import { existsAt } from "../../../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../../../sys/open.ts";
import { readDir } from "../../../sys/read-dir.ts";
import { tryReadInRoot } from "../../../sys/read-file.ts";
import { spaceOf } from "../../../sys/space.ts";
import { statFd } from "../../../sys/stat.ts";
import { listSnapshots } from "../../capture/base-snapshots.ts";
import { isUnaltered } from "../../capture/snapshot-identity.ts";
import { MOUNT_UNIT, MOUNT_UNIT_LINK, mountUnit } from "../../setup/units.ts";
import { HOME_FOLDER, HOME_SUBVOLUME, repositoryIn } from "../../sysroot/home.ts";
import type { Machine } from "../../sysroot/machine.ts";
import { readOperations } from "../../switch/operation-log.ts";
import type { EngineFacts, HomeFacts, RepositoryFacts } from "../facts.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const UNFINISHED = /^\.(?:new-|regrow-)|^\..*\.tmp/;

/** Takes about a second for each initramfs image. Throws `unsupported` for a processor that there is no engine for. */
export async function gatherEngine({ rootFd, btrfs, isLive, mounts }: Machine): Promise<EngineFacts> {
  const { machine, files } = gatherEngineFacts(rootFd);
  const [generator] = machine.generators;
  const images: EngineFacts["images"][number][] = [];
  if (generator !== undefined) {
    for (const path of initramfsImages(rootFd).filter((name) => !name.includes("rescue")))
      images.push({ path: `/${displayBytes(path)}`, engine: await engineInImage(rootFd, path) });
  }
  const unit = tryReadInRoot(rootFd, MOUNT_UNIT)?.toString("utf8");
  const wanted = btrfs === undefined ? undefined : mountUnit(btrfsUuid(btrfs.topFd));
  return {
    files: files.map(({ file, state }) => ({ path: `/${displayBytes(file.path)}`, state })),
    images,
    remake: generator === undefined ? undefined : REMAKE_INITRAMFS[generator].join(" "),
    hasSystemd: machine.hasSystemd,
    mountUnit: unit === undefined ? "absent" : unit === wanted ? "current" : "other",
    mountUnitIsEnabled: unit !== undefined && tryReadInRoot(rootFd, MOUNT_UNIT_LINK)?.toString("utf8") === unit,
    isMounted: isLive ? mounts.has(bytesOf(".regrow")) : undefined,
  };
}

export function gatherHome({ btrfs }: Machine, homeFd: number): HomeFacts {
  const { mode, uid } = statFd(homeFd);
  const path = btrfs === undefined ? `/${HOME_FOLDER}` : HOME_SUBVOLUME;
  const snapshots = btrfs === undefined ? [] : snapshotStates(homeFd);
  const policy = orReason(() => readSwitchPolicy(homeFd));
  const operations = existsAt(homeFd, bytesOf("log/operations")) ? orReason(() => readOperations(homeFd)) : [];
  return {
    path,
    mode: mode & 0o7777,
    owner: uid,
    operations,
    pending: "reason" in policy ? policy : policy.armed && { operation: policy.armed.operation },
    refused: "reason" in policy ? undefined : policy.refused?.reason,
    leftOvers: leftOvers(homeFd, "reason" in operations ? [] : operations.filter(({ state }) => state === "armed")).map(
      (name) => `${path}/${name}`,
    ),
    writableSnapshots: snapshots.filter(({ state }) => state === "writable").map(({ commit }) => `${path}/base/${commit}/root`),
    alteredSnapshots: snapshots.filter(({ state }) => state === "altered").map(({ commit }) => `${path}/base/${commit}/root`),
  };
}

/** By a path through /proc: whoever calls has the home open. */
export function gatherRepository({ config }: Machine, homeFd: number): Promise<RepositoryFacts> {
  return withRepository(repositoryIn(homeFd), (repository) => {
    const refs = listRefs(repository);
    const bad = refs.flatMap(({ name, commit }) => {
      const reason = whyBad(repository, commit);
      return reason === undefined ? [] : [{ ref: name, reason }];
    });
    const { total, available } = spaceOf(repository.fd);
    const { minFreeBytes, minFreePercent } = repository.config;
    return {
      branch: config.branch,
      last: lastCommit(repository, config.branch),
      refs: refs.filter(({ name }) => !isCompanionRef(name)).length,
      bad,
      available,
      reserve: minFreeBytes ?? (total * minFreePercent) / 100,
    };
  });
}

function lastCommit(repository: Repository, branch: string): RepositoryFacts["last"] {
  const commit = readRef(repository, branch);
  if (commit === undefined || whyBad(repository, commit) !== undefined) return undefined;
  return { commit, timestamp: loadCommit(repository, commit).timestamp };
}

function whyBad(repository: Repository, commit: string): string | undefined {
  const found = orReason(() => loadCommit(repository, commit as Parameters<typeof loadCommit>[1]));
  return "reason" in found ? found.reason : undefined;
}

interface SnapshotFact {
  readonly commit: string;
  readonly state: "sound" | "writable" | "altered";
}

function snapshotStates(homeFd: number): SnapshotFact[] {
  return listSnapshots(homeFd).flatMap((commit): SnapshotFact[] => {
    const folderFd = tryOpenAt(homeFd, `base/${commit}`, FOLDER);
    if (folderFd < 0) return [];
    try {
      const fd = tryOpenAt(folderFd, "root", FOLDER);
      if (fd < 0) return [];
      try {
        if (!isReadOnlySubvolume(fd)) return [{ commit, state: "writable" }];
        return [{ commit, state: isUnaltered(folderFd, fd) ? "sound" : "altered" }];
      } finally {
        closeFd(fd);
      }
    } finally {
      closeFd(folderFd);
    }
  });
}

/** What the next command that changes the machine takes away, from the home. */
function leftOvers(homeFd: number, armed: readonly { readonly number: number }[]): string[] {
  const names = (folder: string): string[] => {
    const fd = tryOpenAt(homeFd, folder, FOLDER);
    if (fd < 0) return [];
    try {
      return readDir(fd).map(({ name }) => displayBytes(name));
    } finally {
      closeFd(fd);
    }
  };
  const needed = new Set(armed.map(({ number }) => `${number}`));
  return [
    ...["base", "log", "log/operations", "policy"].flatMap((folder) =>
      names(folder)
        .filter((name) => UNFINISHED.test(name))
        .map((name) => `${folder}/${name}`),
    ),
    ...names("next")
      .filter((name) => !needed.has(name))
      .map((name) => `next/${name}`),
    ...names("log")
      .filter((name) => name === "restore")
      .map((name) => `log/${name}`),
  ].toSorted();
}

function orReason<T>(work: () => T): T | { readonly reason: string } {
  try {
    return work();
  } catch (error) {
    if (error instanceof RegrowError) return { reason: error.message };
    throw error;
  }
}
