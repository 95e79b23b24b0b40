/** `regrow diff`: what is different between two commits, a commit and a folder, or two folders. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT, type ExitCode } from "../../base/exit-codes.ts";
import { areRelatedSnapshots, diffSnapshots } from "../../machine/diff-subvolumes.ts";
import { type Change, isTimeOnly } from "../../store/diff/change.ts";
import { type Diff, diffCommitFolder, diffCommits, diffFolders } from "../../store/diff/diff.ts";
import { loadCommit } from "../../store/object-files.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import type { Context } from "../context.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { changeJson, changeLine } from "../render/change-line.ts";
import { countOf } from "../render/commit-counts.ts";

interface Options {
  readonly times?: boolean;
  readonly exitCode?: boolean;
}

export const diff = defineCommand<Options>({
  description:
    "A and B are commits, or folders if they begin with / or ./ or ../. Without B: from A's parent to A. Without A too: the newest commit. Two read-only btrfs snapshots of one subvolume are compared by what btrfs says has changed (as root).\nA added, D removed, M modified, R renamed.",
  arguments: [
    { name: "A", summary: "before", completes: "revision" },
    { name: "B", summary: "after", completes: "revision" },
  ],
  options: [
    { long: "times", summary: "also what differs in nothing but its time" },
    { long: "exit-code", summary: "exit code 1 where there is a difference" },
  ],
  examples: [
    { line: "regrow diff main^ main", what: "what the last commit changed" },
    { line: "regrow diff -v main /etc", what: "what has changed since, and in which respect" },
    { line: "regrow diff /.snapshots/1 /.snapshots/2", what: "two snapshots" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification, EXIT.missing],
  dryRun: "reads",
  async run(context, { args, options }): Promise<ExitCode | void> {
    const { changes } = await compare(context, args[0], args[1]);
    const shown = options.times === true ? changes : changes.filter((change) => !isTimeOnly(change));
    const { out, global } = context;
    await out.printAll(lines(shown, global.json, global.verbose));
    const hidden = changes.length - shown.length;
    if (hidden > 0) out.say(`${countOf(hidden, "more entry", "more entries")} with another time only (--times lists them)`);
    if (options.exitCode === true && shown.length > 0) return EXIT.failure;
  },
});

function* lines(changes: readonly Change[], json: boolean, details: boolean): Generator<string> {
  for (const change of changes) yield json ? JSON.stringify(changeJson(change)) : changeLine(change, details);
}

async function compare({ withRepository, observer }: Context, a: string | undefined, b: string | undefined): Promise<Diff> {
  if (isFolder(a) && isFolder(b)) {
    return areRelatedSnapshots(a, b) ? diffSnapshots(a, b, observer.signal) : diffFolders(undefined, a, b, observer);
  }
  return withRepository((repository) => {
    if (isFolder(a)) throw folderFirst(b);
    if (b === undefined) return withParent(repository, a, observer);
    const before = resolveRevision(repository, a!);
    return isFolder(b)
      ? diffCommitFolder(repository, before, b, observer)
      : diffCommits(repository, before, resolveRevision(repository, b), observer);
  });
}

async function withParent(repository: Repository, revision: string | undefined, observer: Context["observer"]): Promise<Diff> {
  const commit = commitNamed(repository, revision);
  const { parent } = loadCommit(repository, commit);
  if (parent !== undefined) return diffCommits(repository, parent, commit, observer);
  throw new RegrowError("not-found", `${revision ?? commit.slice(0, 10)}: it has no parent to compare it with.`, {
    hint: "Name what to compare it with: a commit, or a folder that begins with / or ./.",
  });
}

function isFolder(text: string | undefined): text is string {
  return text !== undefined && /^(\/|\.\.?(\/|$))/.test(text);
}

function folderFirst(b: string | undefined): RegrowError {
  const hint =
    b === undefined ? "Name the commit before it: `regrow diff COMMIT DIR`." : "Turn them round: `regrow diff COMMIT DIR`.";
  return new RegrowError("usage", "diff: a folder can't come first here.", { hint });
}
