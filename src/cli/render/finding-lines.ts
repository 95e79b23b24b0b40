/** What `doctor` has found, for people. */
import type { Finding, Severity } from "../../machine/doctor/finding.ts";
import { countOf } from "./commit-counts.ts";
import { safeText } from "./safe-text.ts";

const MARKS: Record<Severity, string> = { problem: "PROBLEM", warning: "warning", ok: "ok", unseen: "unseen", skipped: "none" };
const MARK_WIDTH = 8;
const NAME_WIDTH = 17;

export interface FindingManner {
  /** Problems only. */
  readonly quiet: boolean;
  /** Also what there is nothing of. */
  readonly verbose: boolean;
}

export function findingLines(findings: readonly Finding[], { quiet, verbose }: FindingManner): string[] {
  const shown = findings.filter(({ severity }) => (quiet ? severity === "problem" : verbose || severity !== "skipped"));
  const lines = shown.flatMap(({ check, severity, message, cure }) => [
    `${MARKS[severity].padEnd(MARK_WIDTH)} ${check.padEnd(NAME_WIDTH)} ${safeText(message)}`,
    ...(cure === undefined || cure === "" ? [] : [`${" ".repeat(MARK_WIDTH)} ${"  cure".padEnd(NAME_WIDTH)} ${safeText(cure)}`]),
  ]);
  return quiet ? lines : [...lines, verdict(findings)];
}

function verdict(findings: readonly Finding[]): string {
  const count = (wanted: Severity): number => findings.filter(({ severity }) => severity === wanted).length;
  const pieces = [countOf(count("problem"), "problem"), countOf(count("warning"), "warning")];
  if (count("unseen") > 0) pieces.push(`${countOf(count("unseen"), "thing")} could not be seen`);
  return `${pieces.join(", ")}.`;
}
