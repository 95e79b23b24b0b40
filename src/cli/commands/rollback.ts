/** `regrow rollback`: the machine goes back to a commit. */
import { EXIT } from "../../base/exit-codes.ts";
import { requirePassed } from "../../machine/check.ts";
import { rollback as goBack } from "../../machine/rollback/rollback.ts";
import { defineCommand } from "../definition.ts";
import { operationText } from "../render/operation-text.ts";
import { rollbackPlanLines } from "../render/rollback-plan-lines.ts";

export const rollback = defineCommand({
  description:
    "Without COMMIT: the last commit, where something has changed since, else the one before it. What the machine is now is committed first and its root is kept, so that `regrow undo` brings it back. What /etc/regrow.toml says is carried stays as it is. A running machine is switched at the end of its next shutdown, one at --sysroot at once.",
  arguments: [{ name: "COMMIT", summary: "where to", completes: "revision" }],
  options: [],
  examples: [
    { line: "regrow rollback -n", what: "the plan, nothing else" },
    { line: "regrow rollback main^^ && reboot", what: "two commits back" },
    { line: "regrow rollback --sysroot /mnt main^", what: "a system that no longer starts, from another one" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "supports",
  run: ({ global, out, observer, confirm, withMachine }, { args }) =>
    withMachine(async (machine) => {
      const { plan, operation } = await goBack(
        machine,
        {
          revision: args[0],
          decide: async (planned) => {
            const show = global.dryRun && !global.json ? out.print : out.say;
            for (const line of rollbackPlanLines(planned)) show(line);
            requirePassed(planned.checks, machine.sysroot);
            if (global.dryRun) return false;
            await confirm("Go back?");
            return true;
          },
        },
        observer,
      );
      if (global.json) out.json(global.dryRun ? { plan } : { target: plan.target, operation: operation ?? null });
      if (global.dryRun) return;
      if (operation === undefined) out.say("The machine is like that already: nothing to do.");
      else out.say(operationText(operation));
      if (!global.json && operation !== undefined) out.print(operation.to);
    }),
});
