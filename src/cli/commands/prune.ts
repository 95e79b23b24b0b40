/** `regrow prune`: remove what is not needed any more. */
import { EXIT } from "../../base/exit-codes.ts";
import { formatCount, formatDuration, formatSize } from "../../base/units.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type PruneReport, prune as pruneRepository } from "../../store/prune/prune.ts";
import { loadCommit } from "../../store/object-files.ts";
import type { Repository } from "../../store/repository.ts";
import { sidecarCommitOf } from "../../store/tree/folder-view.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { countOf } from "../render/commit-counts.ts";
import { parseCount, parseTime } from "../value-parsers.ts";

interface Options {
  readonly depth?: number;
  readonly keepYoungerThan?: number;
  readonly deleteCommit?: readonly string[];
  readonly refsOnly?: boolean;
}

export const prune = defineCommand<Options>({
  description:
    "Without options only what no commit needs goes. History is thinned, not cut: a commit that a branch leads to loses its tree at the " +
    "most and stays in the log. Runs beside commits; what they add meanwhile stays.",
  arguments: [],
  options: [
    { long: "depth", value: "N", summary: "trees of so many ancestors of each branch stay", parse: parseCount },
    {
      long: "keep-younger-than",
      value: "TIME",
      summary: "trees of older commits go, but never a branch's newest",
      parse: parseTime,
    },
    { long: "delete-commit", value: "COMMIT", summary: "that one's tree goes", repeated: true, completes: "revision" },
    { long: "refs-only", summary: "commits that no branch leads to go too" },
  ],
  examples: [
    { line: "regrow prune --depth=10 -n", what: "what would go if ten ancestors were enough" },
    { line: "regrow prune --keep-younger-than=2026-01-01", what: "thin what is older" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.refused],
  dryRun: "supports",
  async run({ out, global, observer, withRepository, confirm }, { options }) {
    const startedAt = performance.now();
    await withRepository(async (repository) => {
      const rules = {
        depth: options.depth,
        keepYoungerThan: options.keepYoungerThan,
        refsOnly: options.refsOnly,
        deleteCommits: options.deleteCommit?.map((revision) => commitNamed(repository, revision)),
      };
      const whole = await pruneRepository(repository, { ...rules, dryRun: true }, observer);
      const companions = companionsAmong(repository, [...whole.deletedCommits, ...whole.thinnedCommits]);
      const plan = withoutCompanions(whole, companions);
      const losing = plan.deletedCommits.length + plan.thinnedCommits.length;
      if (!global.dryRun && losing > 0) await confirm(`${summary(plan)} Go on?`);
      const report = global.dryRun ? plan : withoutCompanions(await pruneRepository(repository, rules, observer), companions);
      if (global.json) return out.json({ dryRun: global.dryRun, ...report });
      for (const commit of report.deletedCommits) out.print(`deleted ${commit}`);
      for (const commit of report.thinnedCommits) out.print(`thinned ${commit}`);
      out.say(
        `${summary(report)}${global.dryRun ? " Nothing was changed." : ` ${formatDuration(performance.now() - startedAt)}`}`,
      );
    });
  },
});

/** Sidecars have commits of their own, which say nothing to a person. */
function companionsAmong(repository: Repository, commits: readonly Checksum[]): ReadonlySet<Checksum | undefined> {
  return new Set(commits.map((commit) => sidecarCommitOf(loadCommit(repository, commit))));
}

function withoutCompanions(report: PruneReport, companions: ReadonlySet<Checksum | undefined>): PruneReport {
  const isOwn = (commit: Checksum): boolean => !companions.has(commit);
  return {
    ...report,
    deletedCommits: report.deletedCommits.filter(isOwn),
    thinnedCommits: report.thinnedCommits.filter(isOwn),
  };
}

function summary({ deletedCommits, thinnedCommits, objects, totalObjects, staticDeltas, freedBytes }: PruneReport): string {
  const count = objects.commit + objects.dirtree + objects.dirmeta + objects.file;
  const commits = `${countOf(deletedCommits.length, "commit")} deleted, ${formatCount(thinnedCommits.length)} thinned`;
  const deltas = staticDeltas === 0 ? "" : ` and ${countOf(staticDeltas, "static delta")}`;
  return `${commits}, ${formatCount(count)} of ${countOf(totalObjects, "object")} removed${deltas}, ${formatSize(freedBytes)} freed.`;
}
