/** `regrow restore`: single paths of the machine come back. */
import { EXIT } from "../../base/exit-codes.ts";
import { restoreElsewhere } from "../../machine/restore/restore-elsewhere.ts";
import { restore as putBack } from "../../machine/restore/restore.ts";
import { repositoryOf } from "../../machine/sysroot/machine.ts";
import { type Repository, withRepository } from "../../store/repository.ts";
import type { Context } from "../context.ts";
import { defineCommand } from "../definition.ts";

interface Options {
  readonly to?: string;
}

export const restore = defineCommand<Options>({
  description:
    "Puts files and folders of a commit back into the machine, whole: what is in a folder and not in the commit goes. The machine as it is is committed first, so that nothing is lost. With --to they are written into another folder under the paths that they have, and nothing there is replaced.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "PATH", summary: "from the root, such as /etc/fstab", required: true, repeated: true, completes: "file" },
  ],
  options: [{ long: "to", value: "DIR", summary: "put them there and leave the machine alone", completes: "folder" }],
  examples: [
    { line: "regrow restore main^ /etc/ssh", what: "a folder as it was in the commit before" },
    { line: "regrow restore --sysroot /mnt main /etc/fstab", what: "a file of the system that is mounted there" },
    { line: "regrow restore main^ /etc/ssh --to /tmp/before", what: "makes /tmp/before/etc/ssh" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "supports",
  async run(context, { args: [revision, ...paths], options: { to } }) {
    if (to !== undefined) return putElsewhere(context, { revision: revision!, paths, to });
    const { global, out, observer, confirm, withMachine } = context;
    await withMachine(async (machine) => {
      const { plan, before } = await putBack(
        machine,
        {
          revision: revision!,
          paths,
          decide: async (planned) => {
            const show = global.dryRun && !global.json ? out.print : out.say;
            for (const { path, replaces } of planned.paths) show(`${replaces ? "replace" : "make   "}  ${path}`);
            if (global.dryRun) return false;
            if (planned.paths.some(({ replaces }) => replaces)) await confirm("Put them back?");
            return true;
          },
        },
        observer,
      );
      if (global.json) out.json({ ...plan, before: before ?? null, dryRun: global.dryRun });
      else if (before !== undefined) {
        out.say(`Put back from ${plan.commit.slice(0, 10)}. As it was before:`);
        out.print(before);
      }
    });
  },
});

interface Elsewhere {
  readonly revision: string;
  readonly paths: readonly string[];
  readonly to: string;
}

/** A repository that is named will do as well: nothing of the machine is changed. */
async function putElsewhere(context: Context, call: Elsewhere): Promise<void> {
  const { global, out, observer } = context;
  const work = async (repository: Repository): Promise<void> => {
    const decide = (): Promise<boolean> => Promise.resolve(!global.dryRun);
    const plan = await restoreElsewhere(repository, { ...call, decide }, observer);
    if (global.json) return out.json({ ...plan, dryRun: global.dryRun });
    for (const path of plan.paths) out.print(`${plan.to.replace(/\/+$/, "")}${path}`);
    if (global.dryRun) out.say("Nothing was written.");
  };
  if (global.repo !== undefined) return context.withRepository(work);
  return context.withMachine((machine) => withRepository(repositoryOf(machine), work));
}
