/** `regrow forget`: take a path out of all history. */
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, formatSize } from "../../base/units.ts";
import type { MachineForgetReport } from "../../machine/forget/forget-on-machine.ts";
import { type ForgetOptions, type ForgetReport, forgetPaths } from "../../store/forget/forget.ts";
import type { Context } from "../context.ts";
import { defineCommand } from "../definition.ts";
import { isAboutMachine } from "../machine-sides.ts";
import { countOf } from "../render/commit-counts.ts";

interface Options {
  readonly branch?: readonly string[];
  readonly keepObjects?: boolean;
  readonly dropSignatures?: boolean;
}

export const forget = defineCommand<Options>({
  description:
    "For a secret or an image that should never have been committed. Every commit that has PATH, and every one after it, is written anew " +
    "without it: all else of it stays, its checksum changes. Branches and tags move together; then what is not needed any more is removed. " +
    "Other copies (pushed, pulled, snapshots) still have it, and a pull from one brings it back: forget it there too. Prints old and new checksums.",
  arguments: [{ name: "PATH", summary: "from the root of the tree", required: true, repeated: true, completes: "nothing" }],
  options: [
    { short: "b", long: "branch", value: "BRANCH", summary: "only its history", repeated: true, completes: "ref" },
    { long: "keep-objects", summary: "the old commits stay, without a name, until `prune --refs-only`" },
    { long: "drop-signatures", summary: "also where commits lose detached metadata (signatures) by it" },
  ],
  examples: [
    { line: "regrow forget -n /root/.ssh/id_ed25519", what: "which commits have it?" },
    { line: "regrow forget /srv/debian.iso /srv/old.iso", what: "two images, out of everything" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused],
  dryRun: "supports",
  async run(context, { args, options }) {
    if (!isAboutMachine(context)) {
      return context.withRepository((repository) =>
        rewrite(context, args, options, (request) => forgetPaths(repository, request, context.observer)),
      );
    }
    const { forgetOnMachine } = await import("../../machine/forget/forget-on-machine.ts");
    return context.withMachine((machine) =>
      rewrite(context, args, options, (request) => forgetOnMachine(machine, request, context.observer)),
    );
  },
});

type Forget = (request: ForgetOptions) => Promise<ForgetReport & Partial<MachineForgetReport>>;

async function rewrite(context: Context, paths: readonly string[], options: Options, forget: Forget): Promise<void> {
  const { out, global, confirm } = context;
  const startedAt = performance.now();
  const request = {
    paths,
    branches: options.branch,
    keepObjects: options.keepObjects,
    dropSignatures: options.dropSignatures,
  };
  const plan = await forget({ ...request, dryRun: true });
  if (!global.dryRun) {
    warn(context, plan);
    await confirm(`${summary(plan)} Rewrite history?`);
  }
  const report = global.dryRun ? plan : await forget(request);
  if (global.json) return out.json(report);
  for (const { from, to, hadPath } of report.rewritten) {
    const why = hadPath === true ? "" : hadPath === false ? "  (comes after)" : "  (thinned)";
    out.print(`${from} ${to}${why}`);
  }
  for (const { name, to } of report.refs) out.say(`${name} names ${to}`);
  if (global.dryRun) {
    warn(context, report);
    tellTrees(context, report);
    return out.say(`${summary(report)} Nothing was changed.`);
  }
  tellRest(context, report);
  tellTrees(context, report);
  const freed = report.pruned === undefined ? "" : ` ${formatSize(report.pruned.freedBytes)} freed.`;
  out.say(`${summary(report)}${freed} ${formatDuration(performance.now() - startedAt)}`);
}

function warn({ out }: Context, { lostSignatures, lostMetadata, heldBy }: ForgetReport): void {
  out.say("Other copies (pushed, pulled, snapshots) keep what is forgotten, and a pull from one brings it back.");
  if (lostSignatures.length > 0) out.say(`${countOf(lostSignatures.length, "commit")} will lose detached metadata (signatures).`);
  if (lostMetadata.length > 0) out.say(`Left out, since it describes the tree as it was: ${lostMetadata.join(", ")}.`);
  if (heldBy.length > 0) out.say(`Not rewritten, and still leading to it: ${heldBy.join(", ")}.`);
}

function tellRest({ out }: Context, { contentsKept, hasSummary, pruned }: ForgetReport): void {
  if (pruned === undefined) out.say("The old commits are still there, without a name: `regrow prune --refs-only` removes them.");
  else if (contentsKept !== undefined && contentsKept > 0) {
    out.say(
      `${countOf(contentsKept, "content")} of it stays in the repository, because it stands under other names or refs too.`,
    );
  }
  if (hasSummary) out.say("The repository's summary names the old commits: `ostree summary -u` writes it anew.");
}

/** Of a machine: what is outside of the repository. */
function tellTrees({ out, global }: Context, { droppedSnapshots = [], stillIn = [] }: Partial<MachineForgetReport>): void {
  const verb = global.dryRun ? "would be removed" : "removed";
  if (droppedSnapshots.length > 0) out.say(`${countOf(droppedSnapshots.length, "snapshot")} of commits that had it ${verb}.`);
  if (stillIn.length === 0) return;
  out.say(`Still on this machine, in: ${stillIn.join(", ")}.`);
  if (stillIn.includes("/")) out.say("The machine itself has it: remove it there, or the next commit keeps it again.");
}

function summary({ rewritten, refs }: ForgetReport): string {
  const had = rewritten.filter(({ hadPath }) => hadPath === true).length;
  return `${countOf(had, "commit has", "commits have")} it; ${countOf(rewritten.length, "commit")} rewritten, ${countOf(refs.length, "ref")} moved.`;
}
