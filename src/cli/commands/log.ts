/** `regrow log`: the history that leads to a commit. */
import { EXIT } from "../../base/exit-codes.ts";
import { type LogEntry, history } from "../../store/log.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { namesByCommit } from "../ref-names.ts";
import { type ShownCommit, commitJson, commitLine, commitLines } from "../render/commit-text.ts";
import { parseCount } from "../value-parsers.ts";

interface Options {
  readonly oneline?: boolean;
  readonly count?: number;
}

export const log = defineCommand<Options>({
  description: "Without COMMIT: of main, or of the only branch. Of several, the commits are merged by time.",
  arguments: [{ name: "COMMIT", summary: "where to begin", repeated: true, completes: "revision" }],
  options: [
    { long: "oneline", summary: "a line for each commit" },
    { short: "n", long: "count", value: "COUNT", summary: "no more than that many", parse: parseCount },
  ],
  examples: [
    { line: "regrow log --oneline -n 5", what: "the last five" },
    { line: "regrow log main --json", what: "for programs" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification],
  dryRun: "reads",
  async run({ out, global, withRepository }, { args, options: { oneline, count = Infinity } }) {
    await withRepository(async (repository) => {
      const revisions = args.length === 0 ? [undefined] : args;
      const starts = revisions.map((revision) => commitNamed(repository, revision));
      const names = namesByCommit(repository);
      const shown = (entry: LogEntry): ShownCommit => ({
        checksum: entry.checksum,
        commit: entry.commit,
        names: names.get(entry.checksum) ?? [],
      });

      function* lines(): Generator<string> {
        let left = count;
        if (left === 0) return;
        for (const entry of history(repository, starts)) {
          if (global.json) yield JSON.stringify({ ...commitJson(shown(entry)), parentMissing: entry.parentMissing });
          else if (oneline === true) yield commitLine(shown(entry));
          else yield* [...commitLines(shown(entry)), ""];
          if (entry.parentMissing && !global.json) yield "<< What came before is not in this repository >>";
          if (--left <= 0) return;
        }
      }

      await out.printAll(lines());
    });
  },
});
