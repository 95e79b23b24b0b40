/** History, and paths inside a commit. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { bytesOf } from "../../../src/base/byte-string.ts";
import { type Checksum, rawChecksum } from "../../../src/codec/ostree/checksum.ts";
import { catFile } from "../../../src/store/cat.ts";
import { type CommitOptions, commitTree } from "../../../src/store/commit.ts";
import { history } from "../../../src/store/log.ts";
import { MERGE_PARENT_KEY } from "../../../src/store/parents.ts";
import { deleteRefs, pointRef } from "../../../src/store/point-ref.ts";
import { companionRef, listRefs, readRef } from "../../../src/store/refs.ts";
import { type Repository, closeRepository, initRepository, openRepository } from "../../../src/store/repository.ts";
import { followPath } from "../../../src/store/tree/follow-path.ts";

let folder: string;
let repository: Repository;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "regrow-history-"));
  mkdirSync(path.join(folder, "tree/usr/bin"), { recursive: true });
  writeFileSync(path.join(folder, "tree/usr/bin/tool"), "tool\n");
  for (const [name, target] of Object.entries({
    bin: "usr/bin",
    absolute: "/usr/bin",
    out: "../../../usr/bin/tool",
    "usr/bin/self": "tool",
    circle: "circle",
    broken: "nowhere",
  })) {
    symlinkSync(target, path.join(folder, "tree", name));
  }
  initRepository(path.join(folder, "repo"), { mode: "archive" });
  repository = openRepository(path.join(folder, "repo"));
});

after(() => {
  closeRepository(repository);
  rmSync(folder, { recursive: true });
});

test("a line of commits, newest first, to its end or to where the repository has no more", async () => {
  const first = await commit({ timestamp: 10, branch: "line" });
  const second = await commit({ timestamp: 20, branch: "line" });
  assert.deepEqual(walk(second), [second, first]);
  const orphan = await commit({ timestamp: 30, parent: "0".repeat(64) as Checksum });
  const [entry, ...rest] = history(repository, [orphan]);
  assert.deepEqual([entry!.checksum, entry!.parentMissing, entry!.present, rest.length], [orphan, true, [], 0]);
});

test("lines that meet are merged by time, each commit once, and a merged parent is followed", async () => {
  const base = await commit({ timestamp: 100, parent: null });
  const left = await commit({ timestamp: 110, parent: base });
  const right = await commit({ timestamp: 120, parent: base });
  assert.deepEqual(walk(left, right), [right, left, base]);
  assert.deepEqual(walk(left, left), [left, base]);
  const metadata = [[MERGE_PARENT_KEY, { type: "ay", value: rawChecksum(right) }]] as const;
  const merged = await commit({ timestamp: 130, parent: left, metadata });
  assert.deepEqual(walk(merged), [merged, right, left, base]);
});

test("a name is given, moved by force only, and taken away, with the sidecar's companion", async () => {
  const one = await commit({ timestamp: 200, parent: null });
  const two = await commit({ timestamp: 210, parent: null });
  await pointRef(repository, "name", one);
  await pointRef(repository, "name", one);
  assert.equal(readRef(repository, "name"), one);
  assert.notEqual(readRef(repository, companionRef("name")), undefined);
  await assert.rejects(pointRef(repository, "name", two), { code: "exists" });
  await pointRef(repository, "name", two, { force: true });
  const bare = await commit({ timestamp: 220, parent: null, sidecar: false });
  await pointRef(repository, "name", bare, { force: true });
  assert.equal(readRef(repository, companionRef("name")), undefined);
  const before = listRefs(repository);
  await assert.rejects(deleteRefs(repository, ["name", "missing"]), { code: "not-found" });
  assert.deepEqual(listRefs(repository), before);
  await deleteRefs(repository, ["name"]);
  assert.equal(readRef(repository, "name"), undefined);
});

test("links lead to other places of the same tree, never out of it", async () => {
  const at = await commit({ timestamp: 300, parent: null });
  const where = (name: string, followLast = true): string => followPath(repository, at, bytesOf(name), { followLast }).path;
  for (const name of ["usr/bin/tool", "/bin/tool", "bin//./tool", "absolute/tool", "out", "bin/self", "usr/../../../bin/tool"]) {
    assert.equal(where(name), "usr/bin/tool", name);
  }
  assert.equal(where("bin", false), "bin");
  assert.equal(where("bin"), "usr/bin");
  assert.equal(where("bin/self", false), "usr/bin/self");
  assert.equal(where("/"), "");
  assert.equal(where(".."), "");
  assert.throws(() => where("circle"), { code: "unsupported" });
  for (const name of ["broken", "nowhere", "bin/tool/x", "usr/bin/tool/.."])
    assert.throws(() => where(name), { code: "not-found" }, name);
  const pieces: string[] = [];
  await catFile(repository, at, bytesOf("/bin/self"), (piece) => pieces.push(piece.toString()));
  assert.equal(pieces.join(""), "tool\n");
  await assert.rejects(
    catFile(repository, at, bytesOf("/bin"), () => {}),
    { code: "unsupported" },
  );
});

function walk(...starts: readonly Checksum[]): Checksum[] {
  return [...history(repository, starts)].map(({ checksum }) => checksum);
}

async function commit(options: Partial<CommitOptions>): Promise<Checksum> {
  const sources = [{ kind: "dir", path: path.join(folder, "tree") }] as const;
  return (await commitTree(repository, { sources, subject: "s", workers: 1, ...options })).commit;
}
