/** The example of docs/library.md is run as it stands there, with other folders. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const root = path.resolve(import.meta.dirname, "../../..");

test("the example of the library's documentation runs", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "regrow-library-"));
  try {
    const site = path.join(folder, "site");
    mkdirSync(site);
    writeFileSync(path.join(site, "index.html"), "<p>hello</p>\n");
    const documentation = readFileSync(path.join(root, "docs/library.md"), "utf8");
    const example = /```ts\n([\s\S]*?)```/.exec(documentation)![1]!;
    const program = example
      .replaceAll("/srv/", `${folder}/`)
      .replace('"regrow"', JSON.stringify(path.join(root, "src/index.ts")));
    writeFileSync(path.join(folder, "example.ts"), program);
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(folder, "example.ts")], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^[0-9a-f]{64} 1\n$/, "one file, and no change against the folder that was committed");
    assert.equal(readFileSync(path.join(folder, "site-copy/index.html"), "utf8"), "<p>hello</p>\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
