/** What pull and push have in common. */
import { EXIT } from "../base/exit-codes.ts";
import { formatDuration, formatSize } from "../base/units.ts";
import type { PullReport, RefMapping, RefUpdate } from "../store/pull/pull-options.ts";
import type { Context } from "./context.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { countOf } from "./render/commit-counts.ts";
import { parseCount } from "./value-parsers.ts";

export interface TransferOptions {
  readonly depth?: number;
  readonly force?: boolean;
  readonly link?: boolean;
}

export const TRANSFER_OPTIONS: readonly OptionDefinition[] = [
  { long: "depth", value: "COUNT", summary: "only so many generations; 0: no history", parse: parseCount },
  { long: "force", summary: "move refs even where commits get lost by it" },
  { long: "link", summary: "share files by hard links, on one file system and in one mode" },
];

export const TRANSFER_EXIT_CODES = [EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing] as const;

/** `NAME`, or `NAME=NEWNAME`. */
export function parseMapping(text: string): string | RefMapping {
  const equals = text.indexOf("=");
  return equals < 0 ? text : { from: text.slice(0, equals), to: text.slice(equals + 1) };
}

export function tellTransfer({ out, global }: Context, report: PullReport, milliseconds: number): void {
  if (global.json) return out.json(report);
  for (const update of report.refs) out.print(updateLine(update));
  const { commits, metadataObjects, contentObjects, contentBytes, writtenBytes } = report;
  const objects = countOf(metadataObjects + contentObjects, "object");
  const size = report.dryRun ? `${formatSize(contentBytes)} to come` : `${formatSize(writtenBytes)} written`;
  out.say(`${countOf(commits, "commit")}, ${objects}, ${size}; ${formatDuration(milliseconds)}`);
}

function updateLine({ from, to, before, after, kind }: RefUpdate): string {
  const name = to === undefined || to === from ? from : `${from} -> ${to}`;
  const move = before === undefined || before === after ? after.slice(0, 10) : `${before.slice(0, 10)}..${after.slice(0, 10)}`;
  return to === undefined ? `${kind.padEnd(8)} ${name}` : `${kind.padEnd(8)} ${name}  ${move}`;
}
