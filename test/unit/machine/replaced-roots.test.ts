/** Which replaced roots stay. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type HistoryRules, parseMachineConfig } from "../../../src/codec/machine-config.ts";
import { judgeRoots } from "../../../src/machine/rollback/replaced-roots.ts";

const NOW = Date.parse("2026-03-01T00:00:00Z");
const TIMES = ["2026-03-02T00:00:00Z", "2026-02-27T00:00:00Z", "2026-02-01T00:00:00Z", "2025-01-01T00:00:00Z", "never"];
const roots = TIMES.map((time, index) => ({ operation: 9 - index, time, path: `@regrow/history/${9 - index}/root` }));

function kept(rules: HistoryRules | undefined, needed?: number): (string | undefined)[] {
  const whyNeeded = (path: string): string | undefined => (path === roots[needed ?? -1]?.path ? "in use" : undefined);
  return judgeRoots(roots, { rules, now: NOW, whyNeeded }).map(({ keptBy }) => keptBy);
}

test("each rule keeps for itself, and a time that can't be keeps too", () => {
  assert.deepEqual(
    kept(undefined),
    Array.from(TIMES, () => "no rule"),
  );
  assert.deepEqual(kept({ last: 2 }), ["last", "last", undefined, undefined, "days"]);
  assert.deepEqual(kept({ days: 10 }), ["days", "days", undefined, undefined, "days"]);
  assert.deepEqual(kept({ last: 1, days: 28.5 }), ["last", "days", "days", undefined, "days"]);
  assert.deepEqual(kept({ last: 0, days: 0 }, 3), ["days", undefined, undefined, "in use", "days"]);
});

test("the rules are read, and a slip is told", () => {
  const parse = (text: string): HistoryRules | undefined => parseMachineConfig([{ path: "/etc/regrow.toml", text }]).history;
  assert.deepEqual(parse("[history]\nkeep = { last = 3, days = 30 }\n"), { last: 3, days: 30 });
  assert.equal(parse(""), undefined);
  assert.throws(() => parse("[history]\nkeep = { weeks = 1 }\n"), /history\.keep\.weeks: no such key/);
});
