/** The counts of a campaign, as tests have written them to REGROW_TALLY, as a table for docs/safety.md. */

const HEADINGS = {
  "kill points": "points at which the process was killed, each of them",
  "failing changes": "changes that were made to fail (EIO, ENOSPC)",
  "random kills": "kills at a random moment",
  "random kills inside": "of these, inside the operation",
  "power cuts": "states of a disk after a power cut, replayed and judged",
  "moving trees": "commits of a tree that changes meanwhile",
  "damaged inputs": "damaged inputs",
  "generated trees": "generated trees and histories",
  "generated values": "generated values and archives",
};
const BEGIN = "<!-- endurance -->";
const END = "<!-- end -->";

/** `text`: lines of JSON. Throws where there is none, or one of an unknown kind. */
export function summaryOf(text, { date, commit, minutes, passed }) {
  const lines = text.split("\n").filter((line) => line !== "");
  if (lines.length === 0) throw new Error("No test has counted anything.");
  const counts = new Map();
  for (const line of lines) {
    const { kind, of, count } = JSON.parse(line);
    if (HEADINGS[kind] === undefined) throw new Error(`${kind}: not a kind that is known.`);
    const row = counts.get(kind) ?? new Map();
    counts.set(kind, row.set(of, (row.get(of) ?? 0) + count));
  }
  const rows = Object.keys(HEADINGS).flatMap((kind) => (counts.has(kind) ? [rowOf(HEADINGS[kind], counts.get(kind))] : []));
  const closing = `Run on ${date} at commit ${commit}: ${passed ? "all tests passed" : "NOT ALL TESTS PASSED"}, ${minutes} min.`;
  return ["| what | how many | of |", "|---|---|---|", ...rows, "", closing].join("\n");
}

/** Replaces what stands between the marks. Throws where they are missing. */
export function writeBetween(document, table) {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`${BEGIN} and ${END} are missing.`);
  return `${document.slice(0, begin + BEGIN.length)}\n${table}\n${document.slice(end)}`;
}

function rowOf(heading, counts) {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].map(([of, count]) => (counts.size === 1 ? of : `${of} ${number(count)}`));
  return `| ${heading} | ${number(total)} | ${parts.join(", ")} |`;
}

function number(value) {
  return value.toLocaleString("en-US");
}
