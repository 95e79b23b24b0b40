/** The steps of `regrow try`, each with what was done and how long it took. */
import { formatCount, formatDuration, formatSize } from "../../base/units.ts";
import type { Damage } from "../../machine/try/break-tree.ts";
import type { TryStep } from "../../machine/try/try-out.ts";
import { type Change, isTimeOnly } from "../../store/diff/change.ts";
import { changeJson, changeLine } from "./change-line.ts";
import { countOf } from "./commit-counts.ts";

const SHOWN_CHANGES = 8;
const NAME_WIDTH = 9;
const TIME_WIDTH = 8;

export function tryStepLines(step: TryStep): string[] {
  const [first, ...more] = textOf(step);
  const time = formatDuration(step.milliseconds).padStart(TIME_WIDTH);
  return [
    `${step.name.padEnd(NAME_WIDTH)} ${time}  ${first}`,
    ...more.map((line) => `${" ".repeat(NAME_WIDTH + TIME_WIDTH + 3)}${line}`),
  ];
}

export function tryStepJson(step: TryStep): object {
  return step.name === "diff" ? { ...step, changes: step.changes.map(changeJson) } : step;
}

function textOf(step: TryStep): string[] {
  switch (step.name) {
    case "copy": {
      const { from, files, bytes, leftOut } = step.sample;
      const missing = leftOut > 0 ? `, without ${formatCount(leftOut)} that can't be read or are too many` : "";
      return [
        `${countOf(files, "file")}, ${formatSize(bytes)} of ${from.join(" and ")}${missing}`,
        `to ${step.folder}, which goes away at the end`,
      ];
    }
    case "commit":
      return [`${countOf(step.files, "file")}, ${formatSize(step.bytes)} kept as ${step.commit.slice(0, 10)}`];
    case "break":
      return damageLines(step.damage);
    case "diff":
      return diffLines(step.changes);
    case "keep":
      return [
        `the broken state too, as ${step.commit.slice(0, 10)}: nothing is lost; ${countOf(step.newFiles, "new file")} stored`,
      ];
    case "rollback":
      return [`the tree of ${step.commit.slice(0, 10)} takes the place of the broken one, in one step`];
    case "verify":
      return [
        `${countOf(step.entries, "entry", "entries")} compared by type, mode, owner, time and SHA-256: all as before`,
        `(${formatCount(step.broken)} of them were not while it was broken)`,
      ];
  }
}

function damageLines({ deletedFolder, overwritten, moved, openedUp }: Damage): string[] {
  return [
    ...(deletedFolder === undefined ? [] : [`deleted ${deletedFolder}/ with all that is in it`]),
    ...overwritten.map((path) => `overwrote ${path}`),
    ...(moved === undefined ? [] : [`moved ${moved} away`]),
    ...(openedUp === undefined ? [] : [`let everybody write to ${openedUp}`]),
  ];
}

function diffLines(all: readonly Change[]): string[] {
  const changes = all.filter((change) => !isTimeOnly(change));
  const count = (kind: Change["kind"]): number => changes.filter((change) => change.kind === kind).length;
  const summary = `${count("removed")} removed, ${count("modified")} modified, ${count("added")} added, ${count("renamed")} renamed`;
  // What is not a consequence of a removed folder tells more.
  const telling = [...changes]
    .sort((a, b) => Number(a.kind === "removed") - Number(b.kind === "removed"))
    .slice(0, SHOWN_CHANGES);
  const rest = changes.length - telling.length;
  return [summary, ...telling.map((change) => changeLine(change, true)), ...(rest > 0 ? [`and ${formatCount(rest)} more`] : [])];
}
