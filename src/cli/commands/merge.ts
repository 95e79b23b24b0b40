/** `regrow merge`: the changes of another line join a branch. */
import { EXIT } from "../../base/exit-codes.ts";
import { mergeCommits } from "../../store/merge/merge.ts";
import { resolveRevision } from "../../store/revision.ts";
import { defineCommand } from "../definition.ts";
import { MERGE_OPTIONS, type MergeTextOptions, mergeRequest, tellMerge } from "../merge-result.ts";

interface Options extends MergeTextOptions {
  readonly base?: string;
  readonly noFf?: boolean;
}

export const merge = defineCommand<Options>({
  description:
    "Three ways: what changed since the commit that both come from. Where the branch can simply go forward, it does. Where both sides changed " +
    "the same thing, nothing is written and the conflicts are told, unless --favour says which side stays in place.",
  arguments: [{ name: "COMMIT", summary: "what is merged in", required: true, completes: "revision" }],
  options: [
    ...MERGE_OPTIONS,
    { long: "base", value: "COMMIT", summary: "in place of the last commit that both have", completes: "revision" },
    { long: "no-ff", summary: "a commit even where the branch could simply go forward" },
  ],
  examples: [
    { line: "regrow merge -n upstream", what: "would it go, and what collides?" },
    { line: "regrow merge -b main --favour=ours upstream", what: "what is ours stays, theirs is kept beside it" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused],
  dryRun: "supports",
  async run(context, { args, options }) {
    await context.withRepository(async (repository) => {
      const request = {
        ...mergeRequest(context, repository, options),
        theirs: resolveRevision(repository, args[0]!),
        base: options.base === undefined ? undefined : resolveRevision(repository, options.base),
        fastForward: options.noFf !== true,
      };
      tellMerge(context, request.branch, await mergeCommits(repository, request, context.observer));
    });
  },
});
