/**
 * The program with libdeflate and without: which of the two has packed an object is seen in its bytes, whether it is right is
 * for ostree and zlib to say. An empty file over the machine's library hides it.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { LIBDEFLATE } from "../support/libdeflate.ts";
import { run } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { scratchFolder } from "../support/scratch.ts";
import { singleFile } from "../support/single-file.ts";

const NEEDS = { root: true, programs: ["ostree", "mount", "unshare"], files: [LIBDEFLATE] } as const;
const SOURCE = [process.execPath, path.join(import.meta.dirname, "../../src/bin.ts")];
const TEXT = readFileSync(path.join(import.meta.dirname, "../../LICENSE"));

test("the library of the machine packs, where regrow runs from its source", (t) => {
  if (!requires(t, NEEDS)) return;
  assert.notDeepEqual(packedText(t, SOURCE), zlibs());
});

test("zlib packs, where there is no library", (t) => {
  if (!requires(t, NEEDS)) return;
  assert.deepEqual(packedText(t, [...withoutLibrary(), ...SOURCE]), zlibs());
});

test("the executable has a library of its own", (t) => {
  if (!requires(t, NEEDS)) return;
  assert.notDeepEqual(packedText(t, [...withoutLibrary(), singleFile()]), zlibs());
});

/** What a commit makes of `TEXT` in an archive repository that ostree finds sound, and both check out again. */
function packedText(t: TestContext, regrow: readonly string[]): Buffer {
  const folder = scratchFolder(t);
  const [program, ...before] = regrow as [string, ...string[]];
  mkdirSync(`${folder}/tree`);
  writeFileSync(`${folder}/tree/text`, TEXT);
  writeFileSync(`${folder}/tree/empty`, "");
  const repo = `${folder}/repo`;
  run(program, [...before, "--repo", repo, "init", "--mode", "archive"]);
  run(program, [...before, "--repo", repo, "commit", "--no-sidecar", "-b", "main", `${folder}/tree`]);
  run("ostree", [`--repo=${repo}`, "fsck"]);
  run(program, [...before, "--repo", repo, "checkout", "main", `${folder}/ours`]);
  run("ostree", [`--repo=${repo}`, "checkout", "main", `${folder}/theirs`]);
  for (const name of ["ours", "theirs"]) {
    assert.deepEqual(readFileSync(`${folder}/${name}/text`), TEXT);
    assert.equal(readFileSync(`${folder}/${name}/empty`).length, 0);
  }
  const objects = readdirSync(`${repo}/objects`, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".filez"));
  const packed = objects.map((name) => behindHeader(readFileSync(`${repo}/objects/${name}`)));
  const found = packed.find((data) => inflateRawSync(data).equals(TEXT));
  assert.ok(found);
  return found;
}

function behindHeader(object: Buffer): Buffer {
  return object.subarray(8 + object.readUInt32BE(0));
}

function withoutLibrary(): readonly string[] {
  return ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null "$0" && exec "$@"', LIBDEFLATE];
}

function zlibs(): Buffer {
  return deflateRawSync(TEXT, { level: 6, memLevel: 8 });
}
