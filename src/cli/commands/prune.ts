/** `regrow prune`: remove what is not needed any more. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT, type ExitCode } from "../../base/exit-codes.ts";
import { formatCount, formatDuration, formatSize, parseSize } from "../../base/units.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { loadCommit } from "../../store/object-files.ts";
import { pinnedSpace } from "../../store/prune/pinned-space.ts";
import { type ThinningPlan, planThinning } from "../../store/prune/plan-thinning.ts";
import { type PruneReport, prune as pruneRepository } from "../../store/prune/prune.ts";
import { RETENTION_RULES } from "../../store/prune/retention-policy.ts";
import type { Repository } from "../../store/repository.ts";
import { sidecarCommitOf } from "../../store/tree/folder-view.ts";
import type { Context } from "../context.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { pruneReplaced } from "../prune-replaced.ts";
import { namesByCommit } from "../ref-names.ts";
import { countOf } from "../render/commit-counts.ts";
import { boundsText, keptLine, pinnedLines } from "../render/retention-lines.ts";
import { type RetentionOptions, policyOf } from "../retention-options.ts";
import { parseCount, parseTime } from "../value-parsers.ts";

interface Options extends RetentionOptions {
  readonly depth?: number;
  readonly keepYoungerThan?: number;
  readonly deleteCommit?: readonly string[];
  readonly refsOnly?: boolean;
  readonly toFree?: number;
  readonly pins?: boolean;
  readonly policy?: boolean;
}

const PERIODS = { hourly: "hours", daily: "days", weekly: "weeks", monthly: "months", yearly: "years" } as const;

export const prune = defineCommand<Options>({
  description:
    "Without options only what no commit needs goes. History is thinned, not cut: a commit that a branch leads to loses its tree at the " +
    "most and stays in the log. What a branch or a tag names always keeps its tree. Runs beside commits; what they add meanwhile stays. " +
    "--keep-* judge each branch for itself and count the hours, days, weeks and so on that have commits, in local time; of each the " +
    "newest commit stays. With -n the plan says which rule keeps which commit.",
  arguments: [],
  options: [
    ...RETENTION_RULES.map((rule) => ({
      long: `keep-${rule}`,
      value: "N",
      summary: rule === "last" ? "the newest N commits of each branch stay" : `one commit stays for each of N ${PERIODS[rule]}`,
      parse: parseCount,
    })),
    {
      long: "policy",
      summary: "what /etc/regrow.toml says under keep; a --keep-* beside it counts in its place; replaced roots by history",
    },
    { long: "to-free", value: "SIZE", summary: "of what may go the oldest goes, until so much comes free", parse: parseSize },
    { long: "pins", summary: "only tell how much space each commit pins" },
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
    { line: "regrow prune --keep-last=5 --keep-daily=7 --keep-monthly=12 -n", what: "what a policy would keep, and why" },
    { line: "regrow prune --policy -n", what: "what this machine's own rules would keep" },
    { line: "regrow prune --to-free=5G --keep-last=3", what: "the oldest until 5 GB come free, but never the last three" },
    { line: "regrow prune --pins", what: "what takes the space" },
    { line: "regrow prune --depth=10 -n", what: "what would go if ten ancestors were enough" },
    { line: "regrow prune --keep-younger-than=2026-01-01", what: "thin what is older" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused],
  dryRun: "supports",
  async run(context, { options: given }) {
    const options = given.policy === true ? { ...(await policyOfMachine(context)), ...given } : given;
    checkTogether(options);
    const code = await context.withRepository((repository) =>
      options.pins === true ? tellPins(context, repository) : thin(context, repository, options),
    );
    if (given.policy === true) await pruneReplaced(context);
    return code;
  },
});

/** Throws `usage` where the configuration has no rules, `missing-privilege`. */
async function policyOfMachine({ withMachine }: Context): Promise<RetentionOptions> {
  const keep = await withMachine(({ config }) => config.keep);
  if (keep === undefined) {
    throw new RegrowError("usage", "prune: /etc/regrow.toml has no rules under keep.", {
      path: "/etc/regrow.toml",
      hint: "Write such as keep = { last = 10, daily = 14 }, or give --keep-last.",
    });
  }
  const { last, hourly, daily, weekly, monthly, yearly } = keep;
  const found = {
    keepLast: last,
    keepHourly: hourly,
    keepDaily: daily,
    keepWeekly: weekly,
    keepMonthly: monthly,
    keepYearly: yearly,
  };
  return Object.fromEntries(Object.entries(found).filter(([, count]) => count !== undefined));
}

/** Throws `usage`. */
function checkTogether(options: Options): void {
  const isPlanned = policyOf(options) !== undefined || options.toFree !== undefined;
  const isByAge = options.depth !== undefined || options.keepYoungerThan !== undefined || options.deleteCommit !== undefined;
  if (isPlanned && isByAge) {
    throw new RegrowError("usage", "prune: --keep-* and --to-free exclude --depth, --keep-younger-than and --delete-commit.");
  }
  if (options.pins === true && (isPlanned || isByAge || options.refsOnly === true)) {
    throw new RegrowError("usage", "prune: --pins removes nothing, and stands alone.");
  }
}

async function thin(context: Context, repository: Repository, options: Options): Promise<ExitCode | void> {
  const { out, global, observer, confirm } = context;
  const startedAt = performance.now();
  const thinning = await thinningOf(context, repository, options);
  const rules = {
    depth: options.depth,
    keepYoungerThan: options.keepYoungerThan,
    refsOnly: options.refsOnly,
    deleteCommits: options.deleteCommit?.map((revision) => commitNamed(repository, revision)),
    thinCommits: thinning?.thinCommits,
    measure: options.toFree !== undefined,
  };
  const whole = await pruneRepository(repository, { ...rules, dryRun: true }, observer);
  const companions = companionsAmong(repository, [...whole.deletedCommits, ...whole.thinnedCommits]);
  const plan = withoutCompanions(whole, companions);
  const losing = plan.deletedCommits.length + plan.thinnedCommits.length;
  if (thinning !== undefined && !global.json && (global.dryRun || global.verbose)) {
    for (const decision of thinning.decisions) if (decision.keptBy.length > 0) out.print(keptLine(decision));
  }
  if (!global.dryRun && losing > 0) await confirm(`${summary(plan, "to come free")} Go on?`);
  const report = global.dryRun ? plan : withoutCompanions(await pruneRepository(repository, rules, observer), companions);
  const isEnough = options.toFree === undefined || (thinning?.space?.most ?? 0) >= options.toFree;
  if (global.json) out.json({ dryRun: global.dryRun, ...report, ...(thinning && { decisions: thinning.decisions }) });
  else {
    for (const commit of report.deletedCommits) out.print(`deleted ${commit}`);
    for (const commit of report.thinnedCommits) out.print(`thinned ${commit}`);
    const took = formatDuration(performance.now() - startedAt);
    out.say(global.dryRun ? `${summary(report, "to come free")} Nothing was changed.` : `${summary(report, "freed")} ${took}`);
    if (report.measuredBytes !== undefined) {
      out.say(`The file system has ${formatSize(Math.max(0, report.measuredBytes))} more free than before.`);
    }
    if (!isEnough) out.say(`No more may go: ${formatSize(options.toFree!)} were asked for.`);
  }
  return isEnough ? undefined : EXIT.noSpace;
}

async function thinningOf({ observer }: Context, repository: Repository, options: Options): Promise<ThinningPlan | undefined> {
  const policy = policyOf(options);
  const { toFree } = options;
  if (policy === undefined && toFree === undefined) return undefined;
  return planThinning(repository, { policy, toFree }, observer);
}

async function tellPins({ out, global, observer }: Context, repository: Repository): Promise<void> {
  const report = await pinnedSpace(repository, observer);
  const names = namesByCommit(repository);
  if (!global.json) return out.printAll(pinnedLines(report, names));
  for (const { commit, ...rest } of report.commits) out.json({ commit, names: names.get(commit) ?? [], ...rest });
  out.json({ shared: report.shared });
}

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

function summary(report: PruneReport, verb: string): string {
  const { deletedCommits, thinnedCommits, objects, totalObjects, staticDeltas, freedBytes, leastFreedBytes } = report;
  const count = objects.commit + objects.dirtree + objects.dirmeta + objects.file;
  const commits = `${countOf(deletedCommits.length, "commit")} deleted, ${formatCount(thinnedCommits.length)} thinned`;
  const deltas = staticDeltas === 0 ? "" : ` and ${countOf(staticDeltas, "static delta")}`;
  const bytes = boundsText({ least: leastFreedBytes ?? freedBytes, most: freedBytes });
  return `${commits}, ${formatCount(count)} of ${countOf(totalObjects, "object")} removed${deltas}, ${bytes} ${verb}.`;
}
