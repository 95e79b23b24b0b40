/** The part of `prune --policy` that thins the roots which going back has replaced. */
import { type ReplacedPlan, type ReplacedRoot, thinReplacedRoots } from "../machine/rollback/replaced-roots.ts";
import type { Context } from "./context.ts";
import { countOf } from "./render/commit-counts.ts";

/** Prints what went, or with -n what would and what keeps the others. */
export async function pruneReplaced({ global, out, observer, confirm, withMachine }: Context): Promise<void> {
  await withMachine(async (machine) => {
    if (machine.btrfs === undefined || machine.homeFd === undefined) return;
    const decide = async ({ roots, leftOvers }: ReplacedPlan): Promise<boolean> => {
      const going = roots.filter(({ keptBy }) => keptBy === undefined);
      if (global.dryRun) return false;
      if (going.length > 0)
        await confirm(`${countOf(going.length, "replaced root")} to be removed, which no undo can go back to then. Go on?`);
      return going.length + leftOvers.length > 0;
    };
    const plan = await thinReplacedRoots(machine, decide, observer);
    if (global.json) return out.json({ dryRun: global.dryRun, replacedRoots: plan.roots, leftOvers: plan.leftOvers });
    for (const root of plan.roots) if (root.keptBy === undefined || global.dryRun || global.verbose) out.print(lineOf(root));
    for (const folder of plan.leftOvers) out.print(`left over ${folder}`);
  });
}

/** `removed @regrow/history/3/root 2026-01-31 12:00 operation 3` */
function lineOf({ operation, time, path, keptBy }: ReplacedRoot): string {
  const when = time.slice(0, 16).replace("T", " ");
  return `${keptBy === undefined ? "removed" : "kept"} ${path} ${when} operation ${operation}${keptBy === undefined ? "" : `, ${keptBy}`}`;
}
