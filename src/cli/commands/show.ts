/** `regrow show`: one commit with all that is written in it. */
import { EXIT } from "../../base/exit-codes.ts";
import { formatVariant } from "../../codec/gvariant/format.ts";
import { loadCommit } from "../../store/object-files.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { namesByCommit } from "../ref-names.ts";
import { commitJson, commitLines } from "../render/commit-text.ts";
import { safeText } from "../render/safe-text.ts";

export const show = defineCommand({
  description: "Without COMMIT: the newest of main, or of the only branch.",
  arguments: [{ name: "COMMIT", summary: "which", completes: "revision" }],
  options: [],
  examples: [{ line: "regrow show main^", what: "the one before the last" }],
  exitCodes: [EXIT.noRepository, EXIT.verification],
  dryRun: "reads",
  async run({ out, global, withRepository }, { args }) {
    await withRepository((repository) => {
      const checksum = commitNamed(repository, args[0]);
      const commit = loadCommit(repository, checksum);
      const shown = { checksum, commit, names: namesByCommit(repository).get(checksum) ?? [] };
      if (global.json) return out.json(commitJson(shown));
      for (const line of commitLines(shown)) out.print(line);
      out.print("");
      out.print(`Root:  ${commit.tree} ${commit.meta}`);
      for (const [key, value] of commit.metadata) out.print(`Metadata:  ${safeText(key)} = ${safeText(formatVariant(value))}`);
    });
  },
});
