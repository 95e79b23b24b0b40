/** Regrow's own folder on the machine: operations, the order that is pending, snapshots, what runs that were cut have left. */
import { bytesOf, displayBytes } from "../../../base/byte-string.ts";
import { readSwitchPolicy } from "../../../boot/engine/switch-policy.ts";
import { isReadOnlySubvolume } from "../../../sys/btrfs/subvolumes.ts";
import { existsAt } from "../../../sys/names.ts";
import { O, closeFd, tryOpenAt } from "../../../sys/open.ts";
import { readDir } from "../../../sys/read-dir.ts";
import { statFd } from "../../../sys/stat.ts";
import { listSnapshots } from "../../capture/base-snapshots.ts";
import { isUnaltered } from "../../capture/snapshot-identity.ts";
import { HOME_FOLDER, HOME_SUBVOLUME } from "../../sysroot/home.ts";
import type { Machine } from "../../sysroot/machine.ts";
import { readOperations } from "../../switch/operation-log.ts";
import type { HomeFacts } from "../facts.ts";
import { orReason } from "../looked.ts";

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
const UNFINISHED = /^\.(?:new-|regrow-)|^\..*\.tmp/;

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
