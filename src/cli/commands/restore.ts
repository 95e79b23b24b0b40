/** `regrow restore`: single paths of the machine come back. */
import { EXIT } from "../../base/exit-codes.ts";
import { restore as putBack } from "../../machine/restore/restore.ts";
import { defineCommand } from "../definition.ts";

export const restore = defineCommand({
  description:
    "Puts files and folders of a commit back into the machine, whole: what is in a folder and not in the commit goes. The machine as it is is committed first, so that nothing is lost. To look at an old version elsewhere: `regrow checkout --subpath`.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "PATH", summary: "from the root, such as /etc/fstab", required: true, repeated: true, completes: "file" },
  ],
  options: [],
  examples: [
    { line: "regrow restore main^ /etc/ssh", what: "a folder as it was in the commit before" },
    { line: "regrow restore --sysroot /mnt main /etc/fstab", what: "a file of the system that is mounted there" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "supports",
  run: ({ global, out, observer, confirm, withMachine }, { args: [revision, ...paths] }) =>
    withMachine(async (machine) => {
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
    }),
});
