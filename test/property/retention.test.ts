/** Random histories in many time zones: a policy keeps what a model in Python keeps, which knows the calendar by itself. */
import assert from "node:assert/strict";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type RetentionCommit, planRetention } from "../../src/store/prune/plan-retention.ts";
import { RETENTION_RULES, type RetentionPolicy } from "../../src/store/prune/retention-policy.ts";
import { runText } from "../support/programs.ts";
import { randomSource, seed, times } from "../support/property.ts";
import { tally } from "../support/tally.ts";

const CASES = times(400);
/** Summer time in both halves of the earth, none, a shift of half an hour, offsets of half and quarter hours, both ends of the date line. */
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/St_Johns",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Kiritimati",
  "Pacific/Pago_Pago",
];
const HOUR = 3600;
const DAY = 24 * HOUR;
/** Around the change to winter time in Berlin and New York, and around a New Year that belongs to a week of the year before. */
const MOMENTS = [1761440400, 1762063200, 1609459200, 1700000000];
const SPANS = [2 * HOUR, 30 * HOUR, 12 * DAY, 100 * DAY, 4 * 365 * DAY];

interface Case {
  readonly zone: string;
  readonly now: number;
  readonly policy: RetentionPolicy;
  readonly commits: readonly RetentionCommit[];
}

function anyCase(number: number): Case {
  const random = randomSource(number + 1);
  const moment = MOMENTS[random(MOMENTS.length)]!;
  const span = SPANS[random(SPANS.length)]!;
  // Coarse steps, so that some times are the same.
  const step = random(3) === 0 ? 900 : 1;
  const commits = Array.from({ length: random(40) }, (_, index): RetentionCommit => {
    return {
      commit: `${index}` as Checksum,
      timestamp: moment + Math.floor((random(span) - span / 2) / step) * step,
      lines: ["main", "side", "old"].filter(() => random(2) === 0),
      isWhole: random(8) > 0,
      needed: random(10) === 0 ? ["tag v1"] : [],
    };
  });
  const policy = Object.fromEntries(RETENTION_RULES.filter(() => random(2) === 0).map((rule) => [rule, random(8)]));
  return { zone: ZONES[random(ZONES.length)]!, now: moment + Math.floor(span / 3), policy, commits };
}

test("a policy keeps what the model keeps", (t) => {
  t.diagnostic(`seed ${seed} (FC_SEED), ${CASES} histories`);
  const cases = Array.from({ length: CASES }, (_, number) => anyCase(number));
  const model = path.join(import.meta.dirname, "../support/retention-model.py");
  const answers = JSON.parse(runText("python3", [model], { input: JSON.stringify(cases) })) as Record<string, string[]>[];
  const counts: Record<string, number> = { thinned: 0 };
  const zone = process.env["TZ"];
  try {
    for (const [number, { commits, policy, now, zone: place }] of cases.entries()) {
      process.env["TZ"] = place;
      const decisions = planRetention(commits, policy, now);
      const found = Object.fromEntries(decisions.map(({ commit, keptBy }) => [commit, keptBy.toSorted()]));
      assert.deepEqual(found, answers[number], `history ${number}: ${JSON.stringify(cases[number])}`);
      for (const { keptBy } of decisions) {
        if (keptBy.length === 0) counts["thinned"]!++;
        for (const rule of keptBy) counts[rule] = (counts[rule] ?? 0) + 1;
      }
    }
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
  t.diagnostic(JSON.stringify(counts));
  const periods = RETENTION_RULES.filter((rule) => rule !== "last").map((rule) => `${rule} (oldest)`);
  for (const what of [...RETENTION_RULES, ...periods, "thinned", "later than now", "tag v1"]) {
    assert.ok(counts[what]! > 0, `no ${what} among the random histories`);
  }
  tally("generated values", "retention", CASES);
});

test("the hour that comes twice when clocks go back is two, and the days of the change are one each", () => {
  const at = (text: string): RetentionCommit => {
    return { commit: text as Checksum, timestamp: Date.parse(text) / 1000, lines: ["main"], isWhole: true, needed: [] };
  };
  // Berlin, 26 October 2025: 02:30 summer time, 02:30 winter time, and two ends of a day of 25 hours.
  const berlin = (timestamp: number): number => (timestamp < Date.parse("2025-10-26T01:00Z") / 1000 ? 7200 : 3600);
  const commits = ["2025-10-26T22:59:00Z", "2025-10-26T01:30:00Z", "2025-10-26T00:30:00Z", "2025-10-25T22:00:00Z"].map(at);
  const kept = (policy: RetentionPolicy): string[][] =>
    planRetention(commits, policy, Date.parse("2026-01-01") / 1000, berlin).map(({ keptBy }) => [...keptBy]);
  assert.deepEqual(kept({ hourly: 3 }), [["hourly"], ["hourly"], ["hourly"], []]);
  assert.deepEqual(kept({ daily: 1 }), [["daily"], [], [], []]);
  assert.deepEqual(kept({ daily: 2 }), [["daily"], [], [], ["daily (oldest)"]]);
});
