/** The table of a campaign says what tests have counted, and stands where docs/safety.md has a place for it. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { tally } from "../../support/tally.ts";

interface Facts {
  readonly date: string;
  readonly commit: string;
  readonly minutes: number;
  readonly passed: boolean;
}

const root = path.resolve(import.meta.dirname, "../../..");
const { summaryOf, writeBetween } = (await import(path.join(root, "scripts/endurance-summary.mjs"))) as {
  summaryOf(text: string, facts: Facts): string;
  writeBetween(document: string, table: string): string;
};
const FACTS = { date: "2026-01-02", commit: "0123456789", minutes: 90, passed: true };

test("counts of one kind are summed, by what they are of", (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "regrow-tally-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const before = process.env["REGROW_TALLY"];
  process.env["REGROW_TALLY"] = `${folder}/tally`;
  tally("damaged inputs", "decoders", 1200);
  tally("kill points", "commit", 40);
  tally("kill points", "pull", 30);
  tally("kill points", "commit", 2);
  tally("random kills", "commit", 0);
  if (before === undefined) delete process.env["REGROW_TALLY"];
  else process.env["REGROW_TALLY"] = before;
  assert.deepEqual(summaryOf(readFileSync(`${folder}/tally`, "utf8"), FACTS).split("\n"), [
    "| what | how many | of |",
    "|---|---|---|",
    "| points at which the process was killed, each of them | 72 | commit 42, pull 30 |",
    "| damaged inputs | 1,200 | decoders |",
    "",
    "Run on 2026-01-02 at commit 0123456789: all tests passed, 90 min.",
  ]);
  assert.match(summaryOf('{"kind":"kill points","of":"pull","count":1}\n', { ...FACTS, passed: false }), /NOT ALL TESTS PASSED/);
});

test("a campaign that counted nothing, or something that nobody knows, makes no table", () => {
  assert.throws(() => summaryOf("", FACTS), /has counted anything/);
  assert.throws(() => summaryOf('{"kind":"other","of":"x","count":1}', FACTS), /other: not a kind/);
});

test("docs/safety.md has the place for the table, and keeps all else", () => {
  const document = readFileSync(path.join(root, "docs/safety.md"), "utf8");
  const [before, rest] = document.split("<!-- endurance -->") as [string, string];
  const after = rest.slice(rest.indexOf("<!-- end -->"));
  const written = writeBetween(document, "A TABLE");
  assert.equal(written, `${before}<!-- endurance -->\nA TABLE\n${after}`);
  assert.equal(writeBetween(written, "A TABLE"), written);
  assert.throws(() => writeBetween("nothing", "A TABLE"), /are missing/);
});
