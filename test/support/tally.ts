/**
 * Counting what a test has done, for `npm run endurance`: a line of JSON each in the file that REGROW_TALLY names. To be called at the
 * end of a test, when what is counted has been judged.
 */
import { appendFileSync } from "node:fs";
import process from "node:process";

/** Kinds in the order of the summary; scripts/endurance-summary.mjs has their headings. */
export type Tallied =
  | "kill points"
  | "failing changes"
  | "random kills"
  | "random kills inside"
  | "power cuts"
  | "moving trees"
  | "damaged inputs"
  | "generated trees"
  | "generated values";

/** `of`: which operation, or what the inputs are for. */
export function tally(kind: Tallied, of: string, count: number): void {
  const file = process.env["REGROW_TALLY"];
  if (file !== undefined && count > 0) appendFileSync(file, `${JSON.stringify({ kind, of, count })}\n`);
}
