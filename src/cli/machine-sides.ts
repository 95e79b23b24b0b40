/** The two sides of a difference of which one is the machine as it is now. */
import { RegrowError } from "../base/errors.ts";
import type { ExitCode } from "../base/exit-codes.ts";
import type { TreeRef } from "../store/diff/tree-view.ts";
import { readRef } from "../store/refs.ts";
import { withRepository } from "../store/repository.ts";
import { resolveRevision } from "../store/revision.ts";
import { OF_THE_MACHINE, chooseRepository } from "./choose-repository.ts";
import type { Context } from "./context.ts";

/** Whether a command that names no other side is about the machine: its repository is the one that is meant. */
export function isAboutMachine({ global }: Context): boolean {
  if (global.repo !== undefined) return false;
  if (global.sysroot !== undefined) return true;
  return process.geteuid!() === 0 && OF_THE_MACHINE.includes(chooseRepository(undefined));
}

/** `revision`: undefined is the last commit. Throws `not-found`, and what the machine throws. */
export async function withMachineSides(
  { withMachine, observer }: Context,
  revision: string | undefined,
  work: (before: TreeRef, after: TreeRef) => Promise<ExitCode | void>,
): Promise<ExitCode | void> {
  const [{ repositoryOf }, { withMachineLock }, { withLiveSides }] = await Promise.all([
    import("../machine/sysroot/machine.ts"),
    import("../machine/sysroot/machine-lock.ts"),
    import("../machine/capture/live-changes.ts"),
  ]);
  return withMachine((machine) =>
    withMachineLock(machine, observer.signal, (homeFd) =>
      withRepository(repositoryOf(machine), (repository) => {
        const { branch } = machine.config;
        const commit = revision === undefined ? readRef(repository, branch) : resolveRevision(repository, revision);
        if (commit === undefined) {
          throw new RegrowError("not-found", `${branch}: there is no commit yet.`, {
            path: branch,
            hint: "Make one: `regrow commit`.",
          });
        }
        return withLiveSides(machine, homeFd, commit, ({ before, now }) =>
          work(before === undefined ? { kind: "commit", repository, commit } : { kind: "folder", path: before }, {
            kind: "folder",
            path: now,
          }),
        );
      }),
    ),
  );
}
