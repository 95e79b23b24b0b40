/** `regrow setup`: a machine is prepared to be kept, or that is taken away again. */
import { EXIT } from "../../base/exit-codes.ts";
import { requirePassed } from "../../machine/check.ts";
import { performSetup, performUndoSetup, planMachineSetup, planUndoSetup } from "../../machine/setup/setup.ts";
import type { SetupWishes } from "../../machine/setup/setup-plan.ts";
import type { Machine } from "../../machine/sysroot/machine.ts";
import type { Context } from "../context.ts";
import { defineCommand } from "../definition.ts";
import { setupPlanLines, undoPlanLines } from "../render/setup-plan-lines.ts";

interface Options {
  readonly undo?: boolean;
  readonly noInitramfs?: boolean;
}

export const setup = defineCommand<Options>({
  description:
    "Looks at the machine, shows its plan and asks. On btrfs it makes the subvolume @regrow in the top level, beside the root, so that no rollback takes the history with it. It can be run again at any time: what is done stays. /etc/regrow.toml is written once, and is yours.\nKeys of /etc/regrow.toml and /etc/regrow.d/*.toml: branch, menu, keep = { last, hourly, daily, weekly, monthly, yearly }, [[carry]] path.",
  arguments: [],
  options: [
    { long: "undo", summary: "take it away again; a history that has commits stays" },
    { long: "no-initramfs", summary: "leave the initramfs images alone; otherwise the distribution's tool makes them anew" },
  ],
  examples: [
    { line: "regrow setup -n", what: "the plan, nothing else" },
    { line: "regrow setup --sysroot /mnt", what: "the machine that is mounted there" },
  ],
  exitCodes: [EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "supports",
  run: (context, { options }) =>
    context.withMachine((machine) => {
      const wishes = { initramfs: options.noInitramfs !== true };
      return options.undo === true ? undo(context, machine, wishes) : prepare(context, machine, wishes);
    }),
});

async function prepare({ global, out, observer, confirm }: Context, machine: Machine, wishes: SetupWishes): Promise<void> {
  const plan = await planMachineSetup(machine, wishes, observer);
  const show = global.dryRun && !global.json ? out.print : out.say;
  for (const line of setupPlanLines(plan)) show(line);
  if (global.json && global.dryRun) out.json({ plan: { ...plan, facts: { ...plan.facts, files: undefined } } });
  requirePassed(plan.checks, machine.sysroot);
  if (global.dryRun) return;
  if (plan.steps.every(({ isDone }) => isDone)) out.say("Everything is as it should be: nothing to do.");
  else {
    await confirm("Prepare this machine?");
    await performSetup(machine, plan, observer);
    out.say("Ready. Keep this state: `regrow commit -m 'first'`.");
  }
  if (global.json) out.json({ sysroot: machine.sysroot, isSetUp: true });
}

async function undo({ global, out, observer, confirm }: Context, machine: Machine, wishes: SetupWishes): Promise<void> {
  const plan = await planUndoSetup(machine, wishes, observer);
  const show = global.dryRun && !global.json ? out.print : out.say;
  for (const line of undoPlanLines(plan)) show(line);
  if (global.json && global.dryRun) out.json({ plan });
  if (global.dryRun) return;
  if (plan.steps.length === 0) out.say("There is nothing to take away.");
  else {
    await confirm("Take this away?");
    await performUndoSetup(machine, plan, observer);
  }
  if (global.json) out.json({ sysroot: machine.sysroot, removed: plan.steps.map(({ path }) => path) });
}
