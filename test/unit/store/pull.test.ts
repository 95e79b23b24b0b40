import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { RegrowError } from "../../../src/base/errors.ts";
import type { ByteString } from "../../../src/base/byte-string.ts";
import { type Checksum, checksumOf } from "../../../src/codec/ostree/checksum.ts";
import { encodeCommit } from "../../../src/codec/ostree/commit.ts";
import { encodeDetachedMetadata } from "../../../src/codec/ostree/detached-metadata.ts";
import { encodeDirMeta } from "../../../src/codec/ostree/dirmeta.ts";
import { encodeDirTree } from "../../../src/codec/ostree/dirtree.ts";
import { looseName } from "../../../src/codec/ostree/object-name.ts";
import { loadCommit, loadDirTree } from "../../../src/store/object-files.ts";
import { moveRefs } from "../../../src/store/move-refs.ts";
import { repositorySource } from "../../../src/store/pull/object-source.ts";
import { pull, push } from "../../../src/store/pull/pull.ts";
import { type Repository, closeRepository, openRepository } from "../../../src/store/repository.ts";
import { sidecarCommitOf } from "../../../src/store/tree/folder-view.ts";
import { commitFiles, objectsOf, refsOf } from "../../support/histories.ts";
import { newRepository, ostree } from "../../support/repositories.ts";
import { requires } from "../../support/requires.ts";
import { scratchFolder } from "../../support/scratch.ts";

interface Pair {
  readonly scratch: string;
  readonly source: Repository;
  readonly target: Repository;
}

function newPair(t: TestContext): Pair {
  const scratch = scratchFolder(t);
  return {
    scratch,
    source: newRepository(t, `${scratch}/source`, "bare-user"),
    target: newRepository(t, `${scratch}/target`, "archive"),
  };
}

async function history(source: Repository, scratch: string, count: number): Promise<Checksum[]> {
  const commits: Checksum[] = [];
  for (let index = 0; index < count; index++) {
    const tree = { "etc/same": "same", "etc/version": `${index}`, [`usr/new-${index}`]: `new ${index}` };
    commits.push(await commitFiles(source, scratch, tree, { subject: `number ${index}` }));
  }
  return commits;
}

function objectPath(repository: Repository, checksum: Checksum, extension: string): string {
  return `${repository.path}/objects/${looseName(checksum, extension)}`;
}

function fails(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RegrowError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

test("the whole history comes by default, with sidecars and companion refs", async (t) => {
  const { scratch, source, target } = newPair(t);
  const commits = await history(source, scratch, 3);
  const report = await pull(target, repositorySource(source));
  assert.deepEqual(refsOf(target), refsOf(source));
  assert.equal(Object.keys(refsOf(target)).length, 2);
  assert.equal(report.commits, 3);
  for (const commit of commits) {
    assert.ok(existsSync(objectPath(target, commit, "commit")));
    assert.ok(existsSync(objectPath(target, sidecarCommitOf(loadCommit(source, commit))!, "commit")));
  }
  assert.deepEqual(report.refs, [{ from: "main", to: "main", before: undefined, after: commits[2], kind: "new" }]);
});

test("a depth of 0 brings the tips alone, 1 their parents, and a later pull deepens", async (t) => {
  const { scratch, source, target } = newPair(t);
  const commits = await history(source, scratch, 4);
  const count = (): number => commits.filter((commit) => existsSync(objectPath(target, commit, "commit"))).length;
  for (const [depth, expected] of [
    [0, 1],
    [1, 2],
    [-1, 4],
  ] as const) {
    await pull(target, repositorySource(source), { depth });
    assert.equal(count(), expected);
  }
  const shallow = newRepository(t, `${scratch}/shallow`, "bare-user");
  await pull(shallow, repositorySource(source), { depth: 1 });
  const third = newRepository(t, `${scratch}/third`, "bare-user");
  assert.equal((await pull(third, repositorySource(shallow))).commits, 2, "a history ends where the source's ends");
});

test("only what the target lacks is brought", async (t) => {
  const { scratch, source, target } = newPair(t);
  await history(source, scratch, 2);
  await pull(target, repositorySource(source));
  await commitFiles(
    source,
    scratch,
    { "etc/same": "same", "etc/version": "1", "usr/new-1": "new 1", "usr/one-more": "!" },
    { sidecar: false },
  );
  const report = await push(source, target);
  assert.deepEqual([report.commits, report.contentObjects], [1, 1]);
  assert.equal(report.metadataObjects, 3, "the root, usr and the commit");
  assert.equal(refsOf(target)["regrow/sidecar/main"], undefined, "the companion of a commit without one goes");
});

test("a dry run tells the same numbers and writes nothing", async (t) => {
  const { scratch, source, target } = newPair(t);
  await history(source, scratch, 2);
  const before = objectsOf(target.path);
  const planned = await pull(target, repositorySource(source), { dryRun: true });
  assert.deepEqual(objectsOf(target.path), before);
  assert.deepEqual(refsOf(target), {});
  const done = await pull(target, repositorySource(source));
  assert.deepEqual({ ...planned, dryRun: false, writtenBytes: done.writtenBytes }, done);
  assert.ok(planned.contentBytes > 0 && planned.contentObjects > 0);
});

test("refs are chosen by name, mapped, put under a remote; a commit by checksum moves none", async (t) => {
  const { scratch, source, target } = newPair(t);
  const [first, second] = await history(source, scratch, 2);
  await moveRefs(source, [
    { name: "tag/v1", commit: first },
    { name: "other", commit: second },
  ]);
  await pull(target, repositorySource(source), { refs: [{ from: "main", to: "hosts/a/main" }, "tag/v1"], remote: "origin" });
  assert.deepEqual(
    Object.keys(refsOf(target)).filter((name) => !name.includes("sidecar")),
    ["origin:hosts/a/main", "origin:tag/v1"],
  );
  assert.ok("origin:regrow/sidecar/hosts/a/main" in refsOf(target));
  const other = newRepository(t, `${scratch}/other`, "bare-user");
  const report = await pull(other, repositorySource(source), { refs: [first!] });
  assert.deepEqual(refsOf(other), {});
  assert.deepEqual([report.commits, report.refs[0]!.kind], [1, "commit"]);
  await assert.rejects(
    pull(other, repositorySource(source), { refs: ["mian"] }),
    fails("not-found", /mian: no such branch or tag/),
  );
  await assert.rejects(
    pull(other, repositorySource(source), { refs: ["e".repeat(64)] }),
    fails("not-found", /the commit is missing/),
  );
  assert.deepEqual(Object.keys(refsOf(await viaRemote(t, scratch, target))), [], "a source's own remotes are its own matter");
});

async function viaRemote(t: TestContext, scratch: string, source: Repository): Promise<Repository> {
  const target = newRepository(t, `${scratch}/via-remote`, "bare-user");
  await pull(target, repositorySource(source));
  return target;
}

test("a ref moves forward only, a tag never; force and remotes are other matters", async (t) => {
  const { scratch, source, target } = newPair(t);
  const [first, second] = await history(source, scratch, 2);
  await moveRefs(source, [{ name: "tag/v1", commit: first }]);
  await pull(target, repositorySource(source));
  const mine = await commitFiles(target, scratch, { mine: "1" });
  await assert.rejects(push(source, target), fails("refused", /main is at .* ahead of the source/));
  const theirs = await commitFiles(source, scratch, { theirs: "1" });
  const before = objectsOf(target.path);
  await assert.rejects(push(source, target), fails("refused", /it has commits that the source does not have/));
  await assert.rejects(push(source, target, { dryRun: true }), fails("refused", /does not have/));
  assert.deepEqual(objectsOf(target.path), before, "refused before anything was written");
  await pull(target, repositorySource(source), { remote: "origin" });
  assert.equal(refsOf(target)["origin:main"], theirs);
  const forced = await push(source, target, { refs: ["main"], force: true });
  assert.deepEqual(forced.refs[0], { from: "main", to: "main", before: mine, after: theirs, kind: "forced" });
  await moveRefs(source, [{ name: "tag/v1", commit: second }]);
  await assert.rejects(push(source, target, { refs: ["tag/v1"] }), fails("refused", /a tag stays where it is/));
  await moveRefs(source, [{ name: "main", commit: first }]);
  await pull(target, repositorySource(source), { remote: "origin", refs: ["main"] });
  assert.equal(refsOf(target)["origin:main"], first, "what a remote's ref names is the remote's business");
});

test("an object whose content does not match its checksum never becomes visible", async (t) => {
  for (const mode of ["bare-user", "archive"] as const) {
    const { scratch, source: plain, target } = newPair(t);
    const commits = await history(plain, scratch, 2);
    const source = newRepository(t, `${scratch}/as-${mode}`, mode);
    await pull(source, repositorySource(plain));
    const bad = contentOf(source, commits[0]!, "usr", "new-0");
    const file = objectPath(source, bad, mode === "archive" ? "filez" : "file");
    const good = readFileSync(file);
    const wrong = Buffer.from(good);
    wrong[wrong.length - 3]! ^= 0x20;
    writeFileSync(file, wrong);
    const named = new RegExp(`${bad}\\.file, in commit ${commits[0]!.slice(0, 10)}: `);
    await assert.rejects(pull(target, repositorySource(source), { publishBytes: 1 }), fails("corrupt", named));
    assert.deepEqual(refsOf(target), {});
    assert.ok(!objectsOf(target.path).some((name) => name.startsWith(bad) || name.endsWith(".commit")));
    writeFileSync(file, good);
    await pull(target, repositorySource(source));
    assert.equal(refsOf(target)["main"], commits[1]);
  }
});

test("damaged and hostile folders are refused by name", async (t) => {
  const { scratch, source, target } = newPair(t);
  const [commit] = await history(source, scratch, 1);
  const { tree } = loadCommit(source, commit!);
  const file = objectPath(source, tree, "dirtree");
  const good = readFileSync(file);
  writeFileSync(file, Buffer.concat([good, Buffer.alloc(1)]));
  await assert.rejects(pull(target, repositorySource(source)), fails("corrupt", new RegExp(`${tree.slice(2)}.dirtree`)));
  writeFileSync(file, good);
  for (const name of ["..", "a/b", ".", ""]) {
    const evil = plantCommit(source, name as ByteString);
    await moveRefs(source, [{ name: "main", commit: evil.commit }]);
    await assert.rejects(pull(target, repositorySource(source), { depth: 0 }), fails("hostile", new RegExp(evil.tree)));
  }
  assert.deepEqual(objectsOf(target.path), []);
});

/** A commit whose only file has a name that no file may have. */
function plantCommit(repository: Repository, name: ByteString): { commit: Checksum; tree: Checksum } {
  const place = (data: Buffer, kind: string): Checksum => {
    const checksum = checksumOf(data);
    mkdirSync(`${repository.path}/objects/${checksum.slice(0, 2)}`, { recursive: true });
    writeFileSync(objectPath(repository, checksum, kind), data);
    return checksum;
  };
  const meta = place(encodeDirMeta({ uid: 0, gid: 0, mode: 0o040755, xattrs: [] }), "dirmeta");
  const tree = place(encodeDirTree({ files: [{ name, checksum: "ab".repeat(32) as Checksum }], dirs: [] }), "dirtree");
  const commit = { metadata: [], parent: undefined, subject: "", body: "", timestamp: 0, tree, meta };
  return { commit: place(encodeCommit(commit), "commit"), tree };
}

function contentOf(repository: Repository, commit: Checksum, folder: string, name: string): Checksum {
  const root = loadDirTree(repository, loadCommit(repository, commit).tree);
  const { tree } = root.dirs.find((dir) => dir.name === folder)!;
  return loadDirTree(repository, tree).files.find((file) => file.name === name)!.checksum;
}

test("a repository of mode bare-user-only takes nothing where one object can't be kept there", async (t) => {
  const { scratch, source } = newPair(t);
  await commitFiles(
    source,
    scratch,
    { good: "x".repeat(5000), bad: { mode: 0o4755, data: "setuid" } },
    { ownerUid: 0, ownerGid: 0, noXattrs: true },
  );
  const target = newRepository(t, `${scratch}/buo`, "bare-user-only");
  await assert.rejects(
    pull(target, repositorySource(source), { publishBytes: 1 }),
    fails("unsupported", /bare-user-only keeps no/),
  );
  assert.deepEqual(objectsOf(target.path), []);
});

test("a pull that was cut goes on where it stopped", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, source, target } = newPair(t);
  const tree = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`f${index}`, `content ${index}`]));
  const commit = await commitFiles(source, scratch, tree);
  const stop = new AbortController();
  const onEvent = (event: { kind: string; done?: number }): void => {
    if (event.kind === "progress" && event.done! >= 256) stop.abort();
  };
  await assert.rejects(
    pull(target, repositorySource(source), { publishBytes: 1, workers: 1 }, { signal: stop.signal, onEvent }),
    { code: "cancelled" },
  );
  assert.deepEqual(refsOf(target), {});
  const kept = objectsOf(target.path).filter((name) => name.endsWith(".filez")).length;
  assert.ok(kept >= 256 && kept < 1201, `${kept} were kept`);
  assert.match(ostree(target.path, "fsck"), /no errors/);
  const rest = await pull(target, repositorySource(source));
  assert.equal(rest.contentObjects, 1201 - kept);
  assert.equal(refsOf(target)["main"], commit);
  assert.match(ostree(target.path, "fsck"), /no errors/);
});

test("thinned commits of a history come as they are, marked as partial, and are completed from elsewhere", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const { scratch, source, target } = newPair(t);
  const commits = await history(source, scratch, 3);
  const full = newRepository(t, `${scratch}/full`, "archive");
  await pull(full, repositorySource(source));
  rmSync(objectPath(source, loadCommit(source, commits[1]!).tree, "dirtree"));
  writeFileSync(`${source.path}/state/${commits[1]}.commitpartial`, "");
  const report = await pull(target, repositorySource(source));
  assert.deepEqual([report.commits, report.thinned], [2, 1]);
  assert.ok(existsSync(`${target.path}/state/${commits[1]}.commitpartial`));
  assert.equal((await pull(target, repositorySource(source))).thinned, 0);
  const completed = await pull(target, repositorySource(full));
  assert.deepEqual([completed.commits, existsSync(`${target.path}/state/${commits[1]}.commitpartial`)], [1, false]);
  assert.match(ostree(target.path, "fsck"), /no errors/);
  const tip = { refs: [commits[1]!] };
  const other = newRepository(t, `${scratch}/other`, "archive");
  await assert.rejects(pull(other, repositorySource(source), tip), fails("not-found", /tree was thinned out/));
});

test("detached metadata comes along, later too", async (t) => {
  const { scratch, source, target } = newPair(t);
  const [commit] = await history(source, scratch, 1);
  for (const text of ["first", "second"]) {
    const data = encodeDetachedMetadata([["note", { type: "s", value: text }]]);
    writeFileSync(objectPath(source, commit!, "commitmeta"), data);
    await pull(target, repositorySource(source));
    assert.deepEqual(readFileSync(objectPath(target, commit!, "commitmeta")), data);
  }
  rmSync(objectPath(source, commit!, "commitmeta"));
  await pull(target, repositorySource(source));
  assert.ok(existsSync(objectPath(target, commit!, "commitmeta")), "what the source lacks is no reason to lose it");
});

test("files are shared by hard links only when asked", async (t) => {
  const { scratch, source } = newPair(t);
  const commit = await commitFiles(source, scratch, { "usr/file": "shared" });
  const checksum = contentOf(source, commit, "usr", "file");
  for (const link of [false, true]) {
    const target = newRepository(t, `${scratch}/link-${link}`, "bare-user");
    await pull(target, repositorySource(source), { link });
    const same = statSync(objectPath(target, checksum, "file")).ino === statSync(objectPath(source, checksum, "file")).ino;
    assert.equal(same, link);
  }
  writeFileSync(objectPath(source, checksum, "file"), "broken");
  const target = newRepository(t, `${scratch}/broken`, "bare-user");
  await assert.rejects(pull(target, repositorySource(source), { link: true }), fails("corrupt", /does not match its checksum/));
  assert.deepEqual(objectsOf(target.path), []);
});

test("the reserve of the target is not touched", async (t) => {
  const { scratch, source, target } = newPair(t);
  await history(source, scratch, 1);
  appendFileSync(`${target.path}/config`, "min-free-space-size=100TB\n");
  const full = openRepository(target.path);
  t.after(() => closeRepository(full));
  await assert.rejects(pull(full, repositorySource(source)), fails("no-space", /too little space/));
  assert.deepEqual(objectsOf(target.path), []);
});

test("a commit without a sidecar is as good, and one comes later where the source has found it again", async (t) => {
  const { scratch, source, target } = newPair(t);
  const [commit] = await history(source, scratch, 1);
  const sidecar = sidecarCommitOf(loadCommit(source, commit!))!;
  const file = objectPath(source, sidecar, "commit");
  const data = readFileSync(file);
  rmSync(file);
  await pull(target, repositorySource(source));
  assert.deepEqual(refsOf(target), { main: commit });
  writeFileSync(file, data);
  await pull(target, repositorySource(source));
  assert.deepEqual(refsOf(target), { main: commit, "regrow/sidecar/main": sidecar });
});

test("a repository is not pulled into itself, and an object that is missing is named", async (t) => {
  const { scratch, source, target } = newPair(t);
  const [commit] = await history(source, scratch, 1);
  const twin = openRepository(source.path);
  t.after(() => closeRepository(twin));
  await assert.rejects(pull(source, repositorySource(twin)), fails("usage", /same repository/));
  const checksum = contentOf(source, commit!, "etc", "same");
  rmSync(objectPath(source, checksum, "file"));
  await assert.rejects(
    pull(target, repositorySource(source)),
    fails("not-found", new RegExp(`${checksum}.file: the object is missing`)),
  );
});
