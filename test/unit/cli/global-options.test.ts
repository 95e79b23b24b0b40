import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAtCommand, withGlobals } from "../../../src/cli/global-options.ts";

test("the command is the first word that is no option and no value of one", () => {
  assert.deepEqual(splitAtCommand(["log", "-n", "1"]), { globals: [], name: "log", rest: ["-n", "1"] });
  assert.deepEqual(splitAtCommand(["--repo", "log", "show"]), { globals: ["--repo", "log"], name: "show", rest: [] });
  assert.deepEqual(splitAtCommand(["--repo=log", "show"]), { globals: ["--repo=log"], name: "show", rest: [] });
  assert.deepEqual(splitAtCommand(["-nv", "-y", "log"]), {
    globals: ["--dry-run", "--verbose", "--yes"],
    name: "log",
    rest: [],
  });
  assert.deepEqual(splitAtCommand([]), { globals: [], name: undefined, rest: [] });
  assert.deepEqual(splitAtCommand(["-q"]), { globals: ["--quiet"], name: undefined, rest: [] });
});

test("what is no option of all commands may not stand before one", () => {
  for (const words of [["-b", "main", "commit"], ["--nonsense", "log"], ["--json=yes", "log"], ["--repo"], ["-nx", "log"]]) {
    assert.throws(() => splitAtCommand(words), { code: "usage" });
  }
});

test("a command's own letter wins over that of all commands, which keep their long form", () => {
  const options = withGlobals([{ short: "n", long: "count", value: "COUNT", summary: "" }]);
  assert.deepEqual(
    options.filter(({ short }) => short === "n").map(({ long }) => long),
    ["count"],
  );
  assert.equal(options.find(({ long }) => long === "dry-run")!.short, undefined);
});
