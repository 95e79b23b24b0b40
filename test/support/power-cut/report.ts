/** What a test says of a run of the rig, and what must hold of it. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { tally } from "../tally.ts";
import type { PowerCutReport } from "./rig.ts";

const SHOWN = 5;
const MOST_TEXT = 300;

/** Prints the counts; throws where a state is bad, or none was old or none new; then counts the states for the campaign. */
export function expectOldOrNew(t: TestContext, of: string, report: PowerCutReport): void {
  t.diagnostic(shown(report));
  assert.equal(report.bad.length, 0, `${of}: bad states\n${shown(report)}`);
  assert.ok(report.old > 0 && report.new > 0, `${of}: both the old and the new state must be seen: ${shown(report)}`);
  assert.ok(report.flushes > 0 && report.states > report.atFlush, `${of}: nothing was lost between flushes: ${shown(report)}`);
  tally("power cuts", of, report.states);
}

/** For a broken twin: the rig must find a state that is neither old nor new, and not only one that came back. */
export function expectBroken(t: TestContext, of: string, report: PowerCutReport): void {
  t.diagnostic(shown(report));
  assert.ok(
    report.bad.some(({ isOnlyLost }) => !isOnlyLost),
    `${of}: the rig finds nothing wrong with what is broken on purpose`,
  );
}

function shown({ seed, states, atFlush, acknowledged, old, new: moved, bad, writes, flushes }: PowerCutReport): string {
  const counts = `${states} states (${atFlush} at a flush, ${acknowledged} after the end): old ${old}, new ${moved}, bad ${bad.length}`;
  const first = bad
    .slice(0, SHOWN)
    .map(({ number, where, reason }) => `\n  state ${number}, ${where.slice(0, MOST_TEXT)}: ${reason.slice(0, MOST_TEXT)}`);
  return `seed ${seed}, ${writes} writes, ${flushes} flushes; ${counts}${first.join("")}`;
}
