/** `regrow forget`: take a path out of all history. */
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, formatSize } from "../../base/units.ts";
import { type ForgetReport, forgetPaths } from "../../store/forget/forget.ts";
import type { Repository } from "../../store/repository.ts";
import type { Context } from "../context.ts";
import { defineCommand } from "../definition.ts";
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
    await context.withRepository((repository) => rewrite(context, repository, args, options));
  },
});

async function rewrite(context: Context, repository: Repository, paths: readonly string[], options: Options): Promise<void> {
  const { out, global, observer, confirm } = context;
  const startedAt = performance.now();
  const request = {
    paths,
    branches: options.branch,
    keepObjects: options.keepObjects,
    dropSignatures: options.dropSignatures,
  };
  const plan = await forgetPaths(repository, { ...request, dryRun: true }, observer);
  if (!global.dryRun) {
    warn(context, plan);
    await confirm(`${summary(plan)} Rewrite history?`);
  }
  const report = global.dryRun ? plan : await forgetPaths(repository, request, observer);
  if (global.json) return out.json(report);
  for (const { from, to, hadPath } of report.rewritten) {
    const why = hadPath === true ? "" : hadPath === false ? "  (comes after)" : "  (thinned)";
    out.print(`${from} ${to}${why}`);
  }
  for (const { name, to } of report.refs) out.say(`${name} names ${to}`);
  if (global.dryRun) {
    warn(context, report);
    return out.say(`${summary(report)} Nothing was changed.`);
  }
  tellRest(context, report);
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

function summary({ rewritten, refs }: ForgetReport): string {
  const had = rewritten.filter(({ hadPath }) => hadPath === true).length;
  return `${countOf(had, "commit has", "commits have")} it; ${countOf(rewritten.length, "commit")} rewritten, ${countOf(refs.length, "ref")} moved.`;
}
