/** A whole Debian system, committed and checked out, is the same system. REGROW_LONG=1 takes every mode. */
import { test } from "node:test";
import { DEBIAN_TREE_NEEDS, debianTree } from "../support/debian-tree.ts";
import { FIDELITY_PROGRAMS, KEEPING_MODES, assertComesBack } from "../support/fidelity.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";

test("a Debian system comes back whole", async (t) => {
  if (!requires(t, { ...DEBIAN_TREE_NEEDS, programs: [...DEBIAN_TREE_NEEDS.programs, ...FIDELITY_PROGRAMS] })) return;
  const tree = await (await debianTree()).shared();
  await assertComesBack(t, tree, scratchFolder(t), process.env["REGROW_LONG"] === "1" ? KEEPING_MODES : ["archive"], 0);
});
