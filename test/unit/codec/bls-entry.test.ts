import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  type BootEntry,
  formatBootEntry,
  formatEntryName,
  parseBootEntry,
  parseEntryName,
} from "../../../src/codec/bls-entry.ts";

const ENTRY = `# made by hand
title      Debian GNU/Linux 12 (bookworm)
version    6.1.0-37-amd64
machine-id 6a9857a393724b7a981ebb5b8495b9ea
sort-key   debian

linux /6a98/6.1.0/linux
initrd /6a98/6.1.0/ucode
initrd\t/6a98/6.1.0/initrd
options root=UUID=1-2
options quiet
grub_users $grub_users
`;

test("an entry as distributions write it", () => {
  assert.deepEqual(parseBootEntry(ENTRY), {
    title: "Debian GNU/Linux 12 (bookworm)",
    version: "6.1.0-37-amd64",
    machineId: "6a9857a393724b7a981ebb5b8495b9ea",
    sortKey: "debian",
    linux: "/6a98/6.1.0/linux",
    initrds: ["/6a98/6.1.0/ucode", "/6a98/6.1.0/initrd"],
    options: "root=UUID=1-2 quiet",
    others: [["grub_users", "$grub_users"]],
  });
});

test("what is formatted is parsed to the same", () => {
  const line = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
  const word = fc
    .stringMatching(/^[a-z][a-z-]{2,8}$/)
    .filter((key) => !/^(title|version|machine-id|sort-key|architecture|linux|initrd|options)$/.test(key));
  const entry: fc.Arbitrary<BootEntry> = fc.record(
    {
      title: line,
      version: line,
      machineId: line,
      sortKey: line,
      linux: line,
      initrds: fc.array(line, { maxLength: 3 }),
      options: line,
      architecture: line,
      others: fc.uniqueArray(fc.tuple(word, line), { maxLength: 3, selector: ([key]) => key }),
    },
    { noNullPrototype: true, requiredKeys: ["title", "linux", "initrds", "options", "others"] },
  );
  fc.assert(
    fc.property(entry, (value) => {
      assert.deepEqual(parseBootEntry(formatBootEntry(value)), value);
    }),
    { numRuns: 300, verbose: 1 },
  );
});

test("an entry that boots nothing, and values that would break their line, are refused", () => {
  assert.throws(() => parseBootEntry("title x\n"), { code: "corrupt" });
  const entry: BootEntry = { title: "x", linux: "/l", initrds: [], options: "", others: [] };
  for (const title of ["a\nlinux /evil", "a\r", " a", "a\0"]) {
    assert.throws(() => formatBootEntry({ ...entry, title }), { code: "usage" }, JSON.stringify(title));
  }
});

test("boot counters in file names", () => {
  const names: readonly [string, ReturnType<typeof parseEntryName>][] = [
    ["a.conf", { id: "a" }],
    ["a+3.conf", { id: "a", tries: { left: 3, done: 0 } }],
    ["a+2-1.conf", { id: "a", tries: { left: 2, done: 1 } }],
    ["a+b+0-3.conf", { id: "a+b", tries: { left: 0, done: 3 } }],
    ["a+x.conf", { id: "a+x" }],
    [".conf", undefined],
    ["a.conf.bak", undefined],
  ];
  for (const [name, expected] of names) assert.deepEqual(parseEntryName(name), expected, name);
  assert.equal(formatEntryName({ id: "regrow-1" }), "regrow-1.conf");
  assert.equal(formatEntryName({ id: "regrow-1", tries: { left: 3, done: 0 } }), "regrow-1+3-0.conf");
  for (const id of ["", "a/b", "../x", "a+1", "a b"]) assert.throws(() => formatEntryName({ id }), { code: "usage" }, id);
});
