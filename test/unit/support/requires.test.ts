import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { debianPackage } from "../../../scripts/packages.mjs";
import { requires } from "../../support/requires.ts";

function recorder(): { skip(message?: string): void; said: (string | undefined)[] } {
  const said: (string | undefined)[] = [];
  return { said, skip: (message) => void said.push(message) };
}

test("what is there lets a test go on", () => {
  const t = recorder();
  assert.equal(requires(t, { programs: ["tar"], files: ["/proc/self"], filesystems: ["proc"] }), true);
  assert.deepEqual(t.said, []);
});

test("what is missing skips it, by name and package", () => {
  const t = recorder();
  const path = process.env["PATH"];
  const has = { programs: ["regrow-nowhere"], files: ["/nowhere/file"], filesystems: ["nowherefs"] };
  assert.equal(requires(t, has), false);
  assert.deepEqual(t.said, ["needs regrow-nowhere, /nowhere/file, a kernel with nowherefs"]);
  process.env["PATH"] = "/nowhere";
  try {
    assert.equal(requires(t, { programs: ["ostree"] }), false);
  } finally {
    process.env["PATH"] = path;
  }
  assert.equal(t.said[1], "needs ostree (Debian package ostree)");
});

test("every program that a test requires has its Debian package in scripts/packages.mjs", () => {
  const folder = path.join(import.meta.dirname, "../..");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const named = new Set<string>();
  for (const file of files.filter((name) => !name.endsWith("requires.test.ts"))) {
    const text = readFileSync(path.join(folder, file), "utf8");
    for (const [, list] of text.matchAll(/\bprograms: \[([^\]]*)\]/g)) {
      for (const [, program] of list!.matchAll(/"([^"]+)"/g)) named.add(program!);
    }
  }
  assert.ok(named.has("btrfs"), "the search finds what the documentation of requires itself names");
  assert.deepEqual(
    [...named].filter((program) => debianPackage(program) === undefined),
    [],
  );
});
