/** Running properties: each prints its seed, so that a failure can be had again with FC_SEED. */
import process from "node:process";
import type { TestContext } from "node:test";
import fc from "fast-check";
import { tally } from "./tally.ts";

export const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
/** With REGROW_LONG=1 every property runs ten times as often. */
const FACTOR = process.env["REGROW_LONG"] === "1" ? 10 : 1;

export function check<Values extends [unknown, ...unknown[]]>(
  t: TestContext,
  runs: number,
  property: fc.IPropertyWithHooks<Values>,
): void {
  t.diagnostic(`seed ${seed} (FC_SEED), ${runs * FACTOR} runs`);
  fc.assert(property, { seed, numRuns: runs * FACTOR });
  tally("generated values", "codecs", runs * FACTOR);
}

/** A source of random numbers below `limit` that the seed of all properties determines. */
export function randomSource(salt: number): (limit: number) => number {
  return seededRandom(seed ^ Math.imul(salt, 0x9e3779b1));
}

/** A source of random numbers below `limit` that `from` determines. */
export function seededRandom(from: number): (limit: number) => number {
  let state = from >>> 0;
  return (limit) => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** With REGROW_LONG=1 what is given, the time that a test may take or how often it does something, is ten times as much. */
export function times(count: number): number {
  return count * FACTOR;
}
