/** `regrow show`: one commit with all that is written in it. */
import { EXIT } from "../../base/exit-codes.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { formatVariant } from "../../codec/gvariant/format.ts";
import { diffTrees } from "../../machine/diff-trees.ts";
import { isTimeOnly } from "../../store/diff/change.ts";
import type { TreeRef } from "../../store/diff/tree-view.ts";
import { loadCommit } from "../../store/object-files.ts";
import type { Repository } from "../../store/repository.ts";
import type { Context } from "../context.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { FORMAT_OPTIONS, type FormatOptions, formOf, printDiff } from "../diff-output.ts";
import { namesByCommit } from "../ref-names.ts";
import { commitJson, commitLines } from "../render/commit-text.ts";
import { safeText } from "../render/safe-text.ts";

export const show = defineCommand<FormatOptions>({
  description:
    "Without COMMIT: the newest of main, or of the only branch. With one of the forms of `diff`: also what it changed against its parent.",
  arguments: [{ name: "COMMIT", summary: "which", completes: "revision" }],
  options: FORMAT_OPTIONS,
  examples: [
    { line: "regrow show main^", what: "the one before the last" },
    { line: "regrow show --stat v1", what: "what the commit that a tag names has changed" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification],
  dryRun: "reads",
  async run(context, { args, options }) {
    const { out, global } = context;
    formOf("show", options);
    await context.withRepository(async (repository) => {
      const checksum = commitNamed(repository, args[0]);
      const commit = loadCommit(repository, checksum);
      const shown = { checksum, commit, names: namesByCommit(repository).get(checksum) ?? [] };
      if (global.json) out.json(commitJson(shown));
      else {
        for (const line of commitLines(shown)) out.print(line);
        out.print("");
        out.print(`Root:  ${commit.tree} ${commit.meta}`);
        for (const [key, value] of commit.metadata) out.print(`Metadata:  ${safeText(key)} = ${safeText(formatVariant(value))}`);
      }
      if (Object.keys(options).length > 0) await showChanges(context, repository, checksum, options);
    });
  },
});

async function showChanges(context: Context, repository: Repository, checksum: Checksum, options: FormatOptions): Promise<void> {
  const { parent } = loadCommit(repository, checksum);
  if (parent === undefined) return context.out.say("It is the first of its line: there is nothing to compare it with.");
  const [before, after]: TreeRef[] = [parent, checksum].map((commit) => ({ kind: "commit", repository, commit }));
  const form = formOf("show", options);
  const request = { folderRenames: form === undefined };
  const found = form === "packagesOnly" ? [] : (await diffTrees(before!, after!, request, context.observer)).changes;
  const changes = found.filter((change) => !isTimeOnly(change));
  if (!context.global.json) context.out.print("");
  await printDiff(context, { before: before!, after: after!, changes, whole: true }, options);
}
