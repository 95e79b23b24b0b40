import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { markedBlock, withMarkedBlock } from "../../../../src/codec/grub/marked-block.ts";

test("the block stands at the end, once, and taking it out leaves the rest to the byte", () => {
  const text = fc
    .array(fc.constantFrom("a", "\n", "#", "### BEGIN regrow menu ###\nx\n### END regrow menu ###\n"))
    .map((all) => all.join(""));
  fc.assert(
    fc.property(text, (own) => {
      const once = withMarkedBlock(own, "switch", "set default=a\n");
      assert.equal(markedBlock(once, "switch"), "set default=a\n");
      assert.ok(once.startsWith(own));
      const twice = withMarkedBlock(once, "switch", "set default=b\nboot\n");
      assert.equal(markedBlock(twice, "switch"), "set default=b\nboot\n");
      assert.equal(twice.split("### BEGIN regrow switch").length, 2);
      assert.equal(withMarkedBlock(twice, "switch", undefined), own);
    }),
  );
});

test("an empty block is one", () => {
  assert.equal(markedBlock("### BEGIN regrow switch ###\n### END regrow switch ###\n", "switch"), "");
  assert.equal(markedBlock("set default=a\n", "switch"), undefined);
});

test("a block without an end, or with a mark in it, is refused", () => {
  assert.throws(() => markedBlock("### BEGIN regrow switch ###\nset default=a\n", "switch"), { code: "corrupt" });
  assert.throws(() => withMarkedBlock("", "switch", "### END regrow switch ###\n"), { code: "usage" });
  assert.throws(() => withMarkedBlock("", "switch", "a"), { code: "usage" });
});
