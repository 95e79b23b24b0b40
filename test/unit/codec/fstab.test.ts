import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type FstabLine, formatFstab, parseFstab } from "../../../src/codec/fstab.ts";

test("a file as people write it", () => {
  const text = "# comment\n\nUUID=1-2\t/\tbtrfs  subvol=@,noatime 0 1\n/dev/sr0 /media/a\\040b udf\nbroken line\n";
  assert.deepEqual(parseFstab(text), [
    "# comment",
    "",
    { source: "UUID=1-2", target: "/", type: "btrfs", options: ["subvol=@", "noatime"], dump: 0, pass: 1 },
    { source: "/dev/sr0", target: "/media/a b", type: "udf", options: ["defaults"], dump: 0, pass: 0 },
    "broken line",
  ]);
});

test("what is formatted is parsed to the same, whatever the names hold", () => {
  const field = fc.string({
    minLength: 1,
    maxLength: 12,
    unit: fc.constantFrom("a", "b", "/", " ", "\t", "\n", "\\", "#", "=", '"', "é"),
  });
  const option = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom("a", "b", "=", " ", "\t", "\\") });
  const entry: fc.Arbitrary<FstabLine> = fc.record(
    {
      source: field,
      target: field,
      type: field,
      options: fc.array(option, { minLength: 1, maxLength: 3 }),
      dump: fc.nat(2),
      pass: fc.nat(2),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(entry, fc.constant("# a comment"), fc.constant("")), { maxLength: 5 }), (lines) => {
      assert.deepEqual(parseFstab(formatFstab(lines)), lines);
    }),
    { numRuns: 300, verbose: 1 },
  );
});

test("an empty field would shift the others, so it is refused", () => {
  assert.throws(() => formatFstab([{ source: "", target: "/", type: "btrfs", options: ["x"], dump: 0, pass: 0 }]), {
    code: "usage",
  });
});
