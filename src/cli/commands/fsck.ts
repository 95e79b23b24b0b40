/** `regrow fsck`: is everything there, and as it was? */
import { displayBytes } from "../../base/byte-string.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, formatSize } from "../../base/units.ts";
import { objectText } from "../../codec/ostree/object-name.ts";
import { type BadObject, checkRepository, isSound } from "../../store/fsck/fsck.ts";
import { type Repository, withRepository } from "../../store/repository.ts";
import { defineCommand } from "../definition.ts";
import { countOf } from "../render/commit-counts.ts";

interface Options {
  readonly delete?: boolean;
  readonly repairFrom?: string;
  readonly quick?: boolean;
}

export const fsck = defineCommand<Options>({
  description:
    "Every object is read and compared with its name; commits and refs are looked at for what they need. What is not good is named with the " +
    "commits and refs that it touches. Ends with 12 where something is wrong and was not repaired.",
  arguments: [],
  options: [
    { long: "repair-from", value: "REPO", summary: "fetch what is bad from another repository", completes: "folder" },
    { long: "delete", summary: "remove what is bad, and mark the commits that need it as partial" },
    { long: "quick", summary: "look only whether everything is there" },
  ],
  examples: [
    { line: "regrow fsck", what: "read and compare everything" },
    { line: "regrow fsck --repair-from /mnt/backup/repo", what: "and fetch what is damaged or missing" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification],
  dryRun: "refuses",
  async run({ out, global, observer, withRepository: withChosen, confirm }, { options }) {
    const startedAt = performance.now();
    if (options.delete === true) await confirm("Remove what is bad?");
    return withChosen((repository) =>
      withOptional(options.repairFrom, async (repairFrom) => {
        const report = await checkRepository(repository, { delete: options.delete, repairFrom, quick: options.quick }, observer);
        if (global.json)
          out.json({
            ...report,
            bad: report.bad.map((object) => ({ ...object, path: object.path && displayBytes(object.path) })),
          });
        else {
          for (const object of report.bad) for (const line of badLines(object)) out.print(line);
          for (const { name, reason } of report.badRefs) out.print(`ref ${name}: ${reason}`);
        }
        const time = formatDuration(performance.now() - startedAt);
        const verdict =
          report.bad.length + report.badRefs.length === 0
            ? "nothing is wrong"
            : `${countOf(report.bad.length + report.badRefs.length, "thing")} wrong`;
        const partial = report.partial.length === 0 ? "" : `, ${report.partial.length} of them partial`;
        out.say(
          `${countOf(report.checked, "object")} (${formatSize(report.bytes)}), ${countOf(report.commits, "commit")}${partial}: ${verdict}; ${time}`,
        );
        return isSound(report) ? EXIT.done : EXIT.verification;
      }),
    );
  },
});

function* badLines(object: BadObject): Generator<string> {
  const outcome = object.outcome === "found" ? "" : ` (${object.outcome})`;
  yield `${objectText(object)}: ${object.reason}${outcome}`;
  if (object.path !== undefined && object.path !== "") yield `  is /${displayBytes(object.path)}`;
  if (object.commits.length > 0) yield `  in ${object.commits.map((commit) => commit.slice(0, 10)).join(", ")}`;
  if (object.refs.length > 0) yield `  of ${object.refs.join(", ")}`;
}

function withOptional<T>(path: string | undefined, work: (repository: Repository | undefined) => Promise<T>): Promise<T> {
  return path === undefined ? work(undefined) : withRepository(path, work);
}
