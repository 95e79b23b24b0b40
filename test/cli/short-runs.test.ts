/** A program that is over before its threads have begun must end as well as any other. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { workbench } from "../support/cli.ts";

const bench = workbench();
const RUNS = process.env["REGROW_LONG"] === "1" ? 400 : 60;

test("a checkout of a few hundred files ends well each time", () => {
  for (let index = 0; index < 260; index++) bench.write(`tree/d${index % 20}/f${index}`, `file ${index}`);
  bench.ok("init", "--mode=bare-user");
  bench.ok("commit", "-q", "-b", "main", "tree");
  for (let count = 0; count < RUNS; count++) {
    const { code, err } = bench.regrow("checkout", ...(count % 2 === 0 ? ["--verify"] : []), "main", "out");
    assert.equal(code, EXIT.done, `run ${count}: ${err}`);
    rmSync(bench.at("out"), { recursive: true });
  }
});
