/**
 * Reversing the last operation. One that waits for the shutdown is taken back. One that is done is reversed by a switch to the root that
 * it replaced, which is kept as it was: what the machine has become since is committed first, and its root is kept too.
 */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import type { Observer } from "../../base/events.ts";
import { disarmSwitch } from "../../boot/engine/switch-policy.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { inheritedMetadata } from "../../store/merge/inherited-metadata.ts";
import { hasObject, loadCommit } from "../../store/object-files.ts";
import { type Repository, withRepository } from "../../store/repository.ts";
import { O, closeFd, tryOpenAt } from "../../sys/open.ts";
import { commitLocked, commitRoot } from "../capture/commit-machine.ts";
import { repositoryIn } from "../sysroot/home.ts";
import type { Machine } from "../sysroot/machine.ts";
import { withMachineLock } from "../sysroot/machine-lock.ts";
import { type Operation, nextNumber, writeOperation } from "../switch/operation-log.ts";
import { requirePassed } from "../check.ts";
import { hibernationCheck } from "./hibernation-check.ts";
import { switchTo } from "./prepare-root.ts";
import { nestedSubvolumes, requireBtrfs } from "./rollback-plan.ts";
import { unsetDefault } from "../boot-files/loader-default.ts";
import { clearBoots } from "./switch-by-entry.ts";
import { removeNext, settleOperations } from "./settle-operations.ts";

export interface UndoCall {
  /** Sees the operation that would be reversed. False ends it without an error. */
  readonly decide: (operation: Operation) => Promise<boolean>;
}

export interface UndoResult {
  readonly reversed: Operation;
  /** What reverses it; undefined where it was only taken back, or it was decided not to. */
  readonly operation: Operation | undefined;
}

/** Throws `not-found` where there is nothing to reverse, and what `rollback` throws. */
export async function undo(machine: Machine, { decide }: UndoCall, observer: Observer = {}): Promise<UndoResult> {
  return withMachineLock(machine, observer.signal, (homeFd) =>
    withRepository(repositoryIn(homeFd), async (repository) => {
      const operations = await settleOperations(machine, homeFd);
      const last = reversible(operations);
      if (last === undefined) {
        throw new RegrowError("not-found", "There is no operation to reverse.", {
          hint: "`regrow undo --list` shows what was done.",
        });
      }
      if (last.removed !== undefined) throw rootGone(last);
      if (!(await decide(last))) return { reversed: last, operation: undefined };
      if (last.state === "armed") return takeBack(machine, homeFd, last);
      const operation = await reverse({ machine, homeFd, repository, last, number: nextNumber(operations) }, observer);
      return { reversed: last, operation };
    }),
  );
}

export async function listOperations(machine: Machine, observer: Observer = {}): Promise<Operation[]> {
  return withMachineLock(machine, observer.signal, (homeFd) => settleOperations(machine, homeFd));
}

/** The last that holds. An undo counts too: reversing it is doing the thing again. */
function reversible(operations: readonly Operation[]): Operation | undefined {
  return operations.findLast(({ state }) => state === "armed" || state === "done");
}

async function takeBack(machine: Machine, homeFd: number, last: Operation): Promise<UndoResult> {
  // First of all: what the loader starts has to be there.
  if (last.boot !== undefined) unsetDefault(machine, last.boot);
  disarmSwitch(homeFd);
  const reversed = { ...last, state: "disarmed" } as const;
  writeOperation(homeFd, reversed);
  await removeNext(homeFd, last.number);
  clearBoots(machine, homeFd, []);
  return { reversed, operation: undefined };
}

interface Reversal {
  readonly machine: Machine;
  readonly homeFd: number;
  readonly repository: Repository;
  readonly last: Operation;
  readonly number: number;
}

async function reverse({ machine, homeFd, repository, last, number }: Reversal, observer: Observer): Promise<Operation> {
  const btrfs = requireBtrfs(machine);
  requirePassed([await hibernationCheck(machine)], machine.sysroot);
  const replacedFd = tryOpenAt(btrfs.topFd, last.replaced, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  if (replacedFd < 0) throw rootGone(last);
  try {
    const live = await commitLocked(machine, homeFd, { subject: `Before reversing operation ${last.number}` }, observer);
    const subject = `Reverse operation ${last.number}`;
    const wish = {
      branch: machine.config.branch,
      subject,
      metadata: metadataOf(repository, last.from as Checksum),
    };
    const { commit: to } = await commitRoot(homeFd, replacedFd, repository, { ...wish, verify: false }, observer);
    return await switchTo(
      machine,
      btrfs,
      homeFd,
      {
        number,
        kind: "undo",
        bootClass: last.bootClass,
        from: live.commit,
        to,
        reverses: last.number,
        tree: { folderFd: replacedFd, name: bytesOf(".") },
        nested: nestedSubvolumes(btrfs),
      },
      observer,
    );
  } finally {
    closeFd(replacedFd);
  }
}

/** A commit that was forgotten in the meantime says nothing. */
function metadataOf(repository: Repository, commit: Checksum): ReturnType<typeof inheritedMetadata> {
  return hasObject(repository, "commit", commit) ? inheritedMetadata(loadCommit(repository, commit)) : [];
}

function rootGone({ replaced, removed, from }: Operation): RegrowError {
  const when = removed === undefined ? "is not there any more" : `was removed on ${removed.slice(0, 10)}, as the rules say`;
  return new RegrowError("not-found", `${replaced}: the root that was replaced ${when}.`, {
    path: replaced,
    hint: `Its last commit may be: \`regrow rollback ${from.slice(0, 10)}\`.`,
  });
}
