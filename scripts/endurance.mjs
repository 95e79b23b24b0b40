/**
 * `npm run endurance`: the campaigns of which the tests run a short form, in full: more random kills, more generated trees, more
 * damaged input. Takes long, and is run by hand; docs/safety.md keeps the counts.
 */
import process from "node:process";

process.env.REGROW_LONG = "1";
process.argv.splice(2, Infinity, "test/crash", "test/property", "test/privileged");
await import("./test.mjs");
