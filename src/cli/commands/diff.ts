/** `regrow diff`: what is different between two commits, a commit and a folder, or two folders. */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { EXIT, type ExitCode } from "../../base/exit-codes.ts";
import { diffTrees } from "../../machine/diff-trees.ts";
import { isTimeOnly } from "../../store/diff/change.ts";
import type { DiffOptions } from "../../store/diff/diff.ts";
import type { TreeRef } from "../../store/diff/tree-view.ts";
import { loadCommit } from "../../store/object-files.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import type { Context } from "../context.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { isAboutMachine, withMachineSides } from "../machine-sides.ts";
import { FORMAT_OPTIONS, type FormatOptions, formOf, printDiff } from "../diff-output.ts";
import { countOf } from "../render/commit-counts.ts";

interface Options extends FormatOptions {
  readonly times?: boolean;
  readonly exitCode?: boolean;
  readonly path?: readonly string[];
}

export const diff = defineCommand<Options>({
  description:
    "A and B are commits, or folders if they begin with / or ./ or ../. Without B: from A's parent to A; on a machine from A to now. Without A too: the newest commit. `now` as B is the machine as it is. Two read-only btrfs snapshots of one subvolume are compared by what btrfs says has changed (as root). PATHs behind `--` or B restrict it to them.\nA added, D removed, M modified, R renamed. Where both have a package database (dpkg, rpm, pacman) that changed, the packages follow.",
  arguments: [
    { name: "A", summary: "before", completes: "revision" },
    { name: "B", summary: "after", completes: "revision" },
    { name: "PATH", summary: "inside both; all behind `--` are such", repeated: true },
  ],
  options: [
    { long: "times", summary: "also what differs in nothing but its time" },
    ...FORMAT_OPTIONS,
    { long: "path", value: "PATH", summary: "only this path and what is below", repeated: true },
    { long: "exit-code", summary: "exit code 1 where there is a difference" },
  ],
  examples: [
    { line: "regrow diff main^ main", what: "what the last commit changed" },
    { line: "regrow diff main^^ now", what: "what has changed on this machine since" },
    { line: "regrow diff -v main /etc", what: "what has changed since, and in which respect" },
    { line: "regrow diff --patch main^ main -- /etc", what: "line by line, below /etc only" },
    { line: "regrow diff --packages-only v1 main", what: "which packages came, went and changed" },
    { line: "regrow diff /.snapshots/1 /.snapshots/2", what: "two snapshots" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification, EXIT.missing],
  dryRun: "reads",
  restAfterDashes: true,
  async run(context, { args, behind, options }): Promise<ExitCode | void> {
    const [a, b, ...more] = args;
    const paths = [...(options.path ?? []), ...more, ...behind].map(bytesOf);
    const form = formOf("diff", options);
    return withSides(context, a, b, async (before, after) => {
      const request: DiffOptions = { paths, folderRenames: form === undefined };
      const changes = form === "packagesOnly" ? [] : (await diffTrees(before, after, request, context.observer)).changes;
      const shown = options.times === true ? changes : changes.filter((change) => !isTimeOnly(change));
      const some = await printDiff(context, { before, after, changes: shown, whole: paths.length === 0 }, options);
      const hidden = changes.length - shown.length;
      if (hidden > 0)
        context.out.say(`${countOf(hidden, "more entry", "more entries")} with another time only (--times lists them)`);
      if (options.exitCode === true && some) return EXIT.failure;
    });
  },
});

/** The machine as it is. */
const NOW = "now";

type Work = (before: TreeRef, after: TreeRef) => Promise<ExitCode | void>;

async function withSides(context: Context, a: string | undefined, b: string | undefined, work: Work): Promise<ExitCode | void> {
  if (isFolder(a) && isFolder(b)) return work({ kind: "folder", path: a }, { kind: "folder", path: b });
  if (b === NOW || (b === undefined && !isFolder(a) && isAboutMachine(context))) {
    return withMachineSides(context, a === NOW ? undefined : a, work);
  }
  return context.withRepository((repository) => {
    if (isFolder(a)) throw folderFirst(b);
    const ofCommit = (commit: ReturnType<typeof commitNamed>): TreeRef => ({ kind: "commit", repository, commit });
    if (b === undefined) {
      const commit = commitNamed(repository, a);
      return work(ofCommit(parentOf(repository, commit, a)), ofCommit(commit));
    }
    const before = ofCommit(resolveRevision(repository, a!));
    return work(before, isFolder(b) ? { kind: "folder", path: b } : ofCommit(resolveRevision(repository, b)));
  });
}

function parentOf(repository: Repository, commit: ReturnType<typeof commitNamed>, revision: string | undefined): typeof commit {
  const { parent } = loadCommit(repository, commit);
  if (parent !== undefined) return parent;
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
