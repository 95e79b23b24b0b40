/**
 * Going back: the machine as it is is committed, a commit with the target's tree and what is carried follows it on the branch, that
 * commit becomes a tree, and the tree takes the root's place. Until the last step nothing of the running system is touched.
 */
import { bytesOf } from "../../base/byte-string.ts";
import type { Observer } from "../../base/events.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { commitCarrying } from "../../store/commit-carrying.ts";
import { inheritedMetadata } from "../../store/merge/inherited-metadata.ts";
import { loadCommit } from "../../store/object-files.ts";
import { type Repository, withRepository } from "../../store/repository.ts";
import { closeFd } from "../../sys/open.ts";
import { buildSnapshot, openSnapshot } from "../capture/base-snapshots.ts";
import { commitLocked } from "../capture/commit-machine.ts";
import { requirePassed } from "../check.ts";
import { realiseCommit } from "../realise.ts";
import { repositoryIn } from "../sysroot/home.ts";
import type { Machine } from "../sysroot/machine.ts";
import { withMachineLock } from "../sysroot/machine-lock.ts";
import { type Operation, nextNumber, readOperations } from "../switch/operation-log.ts";
import type { BootClass } from "../switch/boot-class.ts";
import { openVolume } from "../../volume/open-volume.ts";
import { switchTo } from "./prepare-root.ts";
import { type RollbackPlan, planRollback, requireBtrfs } from "./rollback-plan.ts";
import { settleOperations } from "./settle-operations.ts";

export interface RollbackCall {
  readonly revision: string | undefined;
  /** Sees the plan; what it throws ends everything before the first write. False ends it without an error. */
  readonly decide: (plan: RollbackPlan) => Promise<boolean>;
}

export interface RollbackResult {
  readonly plan: RollbackPlan;
  /** Undefined where it was decided not to, or nothing is different. */
  readonly operation: Operation | undefined;
}

/** Throws `no-repository`, `locked`, `not-found`, `refused`, `unsupported`, `no-space`, `cancelled`, SystemError. */
export async function rollback(machine: Machine, call: RollbackCall, observer: Observer = {}): Promise<RollbackResult> {
  return withMachineLock(machine, observer.signal, (homeFd) =>
    withRepository(repositoryIn(homeFd), async (repository) => {
      await settleOperations(machine, homeFd);
      const plan = await planRollback(machine, homeFd, repository, call.revision, observer);
      if (!(await call.decide(plan))) return { plan, operation: undefined };
      requirePassed(plan.checks, machine.sysroot);
      return { plan, operation: await act(machine, homeFd, repository, plan, observer) };
    }),
  );
}

async function act(
  machine: Machine,
  homeFd: number,
  repository: Repository,
  plan: RollbackPlan,
  observer: Observer,
): Promise<Operation | undefined> {
  const { target, branch, boot } = plan;
  const short = target.slice(0, 10);
  const live = await commitLocked(machine, homeFd, { subject: `Before going back to ${short}` }, observer);
  const { subject, metadata } = loadCommit(repository, target);
  const back = await commitCarrying(
    repository,
    {
      target,
      live: live.commit,
      paths: plan.carried.map((path) => bytesOf(path)),
      branch,
      parent: live.commit,
      expectedTip: live.commit,
      subject: `Go back to ${short}: ${subject}`,
      metadata: inheritedMetadata({ ...loadCommit(repository, target), metadata }),
      skipUnchanged: true,
    },
    observer,
  );
  if (!back.isNew) return undefined;
  await realise(homeFd, repository, back.commit, [live.commit, target], observer);
  const tree = openSnapshot(homeFd, back.commit)!;
  try {
    return await switchTo(
      machine,
      requireBtrfs(machine),
      homeFd,
      {
        number: nextNumber(readOperations(homeFd)),
        kind: "rollback",
        bootClass: (boot as { bootClass: BootClass }).bootClass,
        from: live.commit,
        to: back.commit,
        tree: { folderFd: tree.fd, name: bytesOf(".") },
        nested: plan.nested,
      },
      observer,
    );
  } finally {
    closeFd(tree.fd);
  }
}

async function realise(
  homeFd: number,
  repository: Repository,
  commit: Checksum,
  from: readonly Checksum[],
  observer: Observer,
): Promise<void> {
  const bases = from.flatMap((one) => {
    const snapshot = openSnapshot(homeFd, one);
    return snapshot === undefined ? [] : [{ commit: one, snapshot }];
  });
  try {
    const candidates = bases.map((base) => ({ commit: base.commit, place: { folderFd: base.snapshot.fd, name: bytesOf(".") } }));
    await buildSnapshot(homeFd, commit, async (target) => {
      await realiseCommit({ repository, commit, driver: openVolume(homeFd), target, candidates }, observer);
    });
  } finally {
    for (const { snapshot } of bases) closeFd(snapshot.fd);
  }
}
