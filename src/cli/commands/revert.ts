/** `regrow revert`: takes back what one commit changed. */
import { EXIT } from "../../base/exit-codes.ts";
import { revertCommit } from "../../store/merge/merge.ts";
import { resolveRevision } from "../../store/revision.ts";
import { defineCommand } from "../definition.ts";
import { MERGE_OPTIONS, type MergeTextOptions, mergeRequest, tellMerge } from "../merge-result.ts";

export const revert = defineCommand<MergeTextOptions>({
  description:
    "A new commit on top of the branch, without what COMMIT changed against its parent; what came later stays. Conflicts are told as in " +
    "`regrow help merge`.",
  arguments: [{ name: "COMMIT", summary: "whose changes are taken back", required: true, completes: "revision" }],
  options: MERGE_OPTIONS,
  examples: [{ line: "regrow revert main^", what: "what the one before the last changed" }],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused],
  dryRun: "supports",
  async run(context, { args, options }) {
    await context.withRepository(async (repository) => {
      const request = {
        ...mergeRequest(context, repository, options),
        commit: resolveRevision(repository, args[0]!),
      };
      tellMerge(context, request.branch, await revertCommit(repository, request, context.observer));
    });
  },
});
