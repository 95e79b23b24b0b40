import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Checksum } from "../../../src/codec/ostree/checksum.ts";
import { looseName } from "../../../src/codec/ostree/object-name.ts";
import { repositorySource } from "../../../src/store/pull/object-source.ts";
import { pull } from "../../../src/store/pull/pull.ts";
import { transportSource } from "../../../src/store/pull/transport-source.ts";
import type { Repository } from "../../../src/store/repository.ts";
import { archiveTransport } from "../../support/archive-transport.ts";
import { commitFiles, objectsOf, refsOf } from "../../support/histories.ts";
import { newRepository } from "../../support/repositories.ts";
import { scratchFolder } from "../../support/scratch.ts";

const TREE = { "etc/a": "1", "usr/b": "two", "usr/empty": "", "usr/link": { link: "b" } };

/** An archive with two commits, and the file that has the content object of `usr/b`. */
async function filled(source: Repository, scratch: string): Promise<void> {
  await commitFiles(source, scratch, TREE);
  await commitFiles(source, scratch, { ...TREE, "etc/a": "2" });
}

test("over a transport comes what comes from a folder, each object once, and nothing is left lying about", async (t) => {
  const scratch = scratchFolder(t);
  const source = newRepository(t, `${scratch}/source`, "archive");
  await filled(source, scratch);
  for (const sizes of [true, false]) {
    for (const mode of ["archive", "bare-user"] as const) {
      const target = newRepository(t, `${scratch}/${mode}-${sizes}`, mode);
      const near = newRepository(t, `${scratch}/${mode}-${sizes}-near`, mode);
      const transport = archiveTransport(source.path, { sizes });
      const planned = await pull(target, transportSource(transport, target), { dryRun: true });
      assert.deepEqual([objectsOf(target.path), readdirSync(`${target.path}/tmp`)], [[], ["cache"]]);
      transport.fetched.clear();
      const done = await pull(target, transportSource(transport, target));
      assert.deepEqual({ ...planned, dryRun: false, writtenBytes: done.writtenBytes }, done);
      await pull(near, repositorySource(source));
      assert.deepEqual([objectsOf(target.path), refsOf(target)], [objectsOf(near.path), refsOf(source)]);
      const often = [...transport.fetched].filter(([, count]) => count > 1);
      assert.deepEqual(often, []);
      assert.deepEqual(readdirSync(`${target.path}/tmp`), ["cache"]);
      transport.fetched.clear();
      await pull(target, transportSource(transport, target));
      assert.deepEqual(
        [...transport.fetched.keys()].filter((name) => !name.endsWith(".commitmeta")),
        [],
      );
    }
  }
});

test("what a transport brings is checked", async (t) => {
  const scratch = scratchFolder(t);
  const source = newRepository(t, `${scratch}/source`, "archive");
  await filled(source, scratch);
  for (const kind of ["filez", "dirtree", "commit"]) {
    const target = newRepository(t, `${scratch}/target-${kind}`, "bare-user");
    const object = objectsOf(source.path).find((name) => name.endsWith(`.${kind}`))!;
    const checksum = object.slice(0, 64) as Checksum;
    const file = `${source.path}/objects/${looseName(checksum, kind)}`;
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad[bad.length - 1]! ^= 1;
    writeFileSync(file, bad);
    const source_ = transportSource(archiveTransport(source.path, { sizes: true }), target);
    await assert.rejects(pull(target, source_), (error: { code: string; message: string }) => {
      assert.equal(error.code, "corrupt");
      assert.match(error.message, new RegExp(checksum));
      return true;
    });
    assert.deepEqual([refsOf(target), readdirSync(`${target.path}/tmp`)], [{}, ["cache"]]);
    assert.ok(!objectsOf(target.path).some((name) => name.startsWith(checksum)));
    writeFileSync(file, good);
  }
});
