/** `regrow log`: the history that leads to a commit. */
import { EXIT } from "../../base/exit-codes.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type LogEntry, history, linesTogether } from "../../store/log.ts";
import { pathHistory } from "../../store/path-history.ts";
import type { Repository } from "../../store/repository.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { namesByCommit } from "../ref-names.ts";
import { type ShownCommit, commitJson, commitLine, commitLines } from "../render/commit-text.ts";
import { besideGraph, createGraph } from "../render/graph-lines.ts";
import { parseCount } from "../value-parsers.ts";

interface Options {
  readonly oneline?: boolean;
  readonly graph?: boolean;
  readonly count?: number;
}

export const log = defineCommand<Options>({
  description:
    "Without COMMIT: of main, or of the only branch. Of several, the commits are merged by time. PATHs behind `--` leave only the commits that changed what is there; times alone don't count.",
  arguments: [{ name: "COMMIT", summary: "where to begin; all behind `--` are paths", repeated: true, completes: "revision" }],
  options: [
    { long: "oneline", summary: "a line for each commit" },
    { long: "graph", summary: "draw where lines part and meet, each line together" },
    { short: "n", long: "count", value: "COUNT", summary: "no more than that many", parse: parseCount },
  ],
  examples: [
    { line: "regrow log --oneline -n 5", what: "the last five" },
    { line: "regrow log --graph --oneline main v1", what: "how two lines belong together" },
    { line: "regrow log -- /etc/fstab", what: "the commits that changed a file" },
    { line: "regrow log main --json", what: "for programs" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification],
  dryRun: "reads",
  restAfterDashes: true,
  async run({ out, global, withRepository }, { args, behind, options }) {
    const { oneline = false, graph = false, count = Infinity } = options;
    await withRepository(async (repository) => {
      const revisions = args.length === 0 ? [undefined] : args;
      const starts = revisions.map((revision) => commitNamed(repository, revision));
      const names = namesByCommit(repository);
      const draw = graph && !global.json ? createGraph() : undefined;

      function textOf(entry: LogEntry): string[] {
        const shown: ShownCommit = { ...entry, names: names.get(entry.checksum) ?? [] };
        if (global.json) return [JSON.stringify({ ...commitJson(shown), parentMissing: entry.parentMissing })];
        const text = oneline ? [commitLine(shown)] : [...commitLines(shown), ""];
        if (entry.parentMissing) text.push("<< What came before is not in this repository >>");
        return draw === undefined ? text : besideGraph(draw(entry.checksum, entry.present), text);
      }

      function* lines(): Generator<string> {
        let left = count;
        if (left === 0) return;
        for (const entry of entriesOf(repository, starts, { graph, paths: behind })) {
          yield* textOf(entry);
          if (--left <= 0) return;
        }
      }

      await out.printAll(lines());
    });
  },
});

interface Wanted {
  readonly graph: boolean;
  readonly paths: readonly string[];
}

function entriesOf(repository: Repository, starts: readonly Checksum[], { graph, paths }: Wanted): Iterable<LogEntry> {
  const entries = paths.length === 0 ? history(repository, starts) : pathHistory(repository, starts, paths);
  return graph ? linesTogether([...entries]) : entries;
}
