/** Archives in and out, judged by GNU tar and ostree. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { workbench } from "../support/cli.ts";
import { requires } from "../support/requires.ts";

const bench = workbench();
const LARGE = 40 * 1024 * 1024;

before(() => {
  bench.write("tree/a-b", "one\n");
  bench.write("tree/a/b/inner", "two\n");
  bench.write("tree/empty", "");
  linkSync(bench.at("tree/a-b"), bench.at("tree/a/z"));
  linkSync(bench.at("tree/a-b"), bench.at("tree/a/b/q"));
  symlinkSync("../a-b", bench.at("tree/a/link"));
  mkdirSync(bench.at("tree/folder-with-a-name-that-is-longer-than-a-ustar-name-field-may-be-which-is-a-hundred-bytes-in-all"));
  bench.write("tree/sparse", "");
  truncateSync(bench.at("tree/sparse"), 3 * 1024 * 1024);
  writeFileSync(bench.at("tree/sparse"), "end", { flag: "a" });
  bench.write("tree/large", createHash("shake256", { outputLength: LARGE }).update("large").digest());
  execFileSync("mkfifo", [bench.at("tree/fifo")]);
  writeFileSync(Buffer.concat([Buffer.from(`${bench.at("tree")}/odd`), Buffer.from([0xff])]), "odd\n");
  linkSync(
    Buffer.concat([Buffer.from(`${bench.at("tree")}/odd`), Buffer.from([0xff])]),
    Buffer.from(bench.at("tree/a/second-name-of-odd")),
  );
  utimesSync(bench.at("tree/a"), 915_148_800.123, 915_148_800.123);
  bench.ok("init", "--mode=bare-user");
  bench.ok("commit", "-q", "-b", "main", "tree");
});

test("what is exported and imported again is the same commit in all but its time, in every repository mode", () => {
  bench.ok("export", "-q", "main", "out.tar");
  for (const mode of ["bare-user", "archive"]) {
    bench.ok("init", "-q", `--mode=${mode}`, `in-${mode}`);
    bench.ok("import", "-q", "--repo", `in-${mode}`, "-b", "main", "out.tar");
    bench.ok("--repo", `in-${mode}`, "export", "-q", "main", `again-${mode}.tar`);
    assert.deepEqual(digest(`again-${mode}.tar`), digest("out.tar"));
    assert.equal(rootOf("--repo", `in-${mode}`), rootOf());
    assert.equal(bench.ok("--repo", `in-${mode}`, "diff", "--times", "main", "./tree"), "");
  }
});

test("GNU tar unpacks what is exported, and what it packs can be imported", (t) => {
  if (!requires(t, { programs: ["tar"] })) return;
  bench.ok("export", "-q", "main", "for-tar.tar.gz");
  mkdirSync(bench.at("unpacked"));
  execFileSync("tar", ["-xzf", bench.at("for-tar.tar.gz"), "-C", bench.at("unpacked")], { stdio: "pipe" });
  assert.equal(bench.ok("diff", "--times", "main", "./unpacked"), "");
  execFileSync("tar", ["--format=gnu", "-S", "-cf", bench.at("by-tar.tar"), "-C", bench.at("tree"), "."]);
  bench.ok("import", "-q", "-b", "by-tar", "by-tar.tar");
  assert.equal(bench.ok("diff", "main", "by-tar"), "");
});

for (const [kind, pack, program] of [
  ["plain", (data: Buffer) => data, undefined],
  ["by gzip", gzipSync, "gzip"],
  ["by zstd", zstdCompressSync, "zstd"],
] as const) {
  test(`stdin and stdout, ${kind}`, (t) => {
    if (program !== undefined && !requires(t, { programs: [program] })) return;
    bench.write("small/file", "content\n");
    bench.ok("commit", "-q", "-b", "small", "small");
    const packed = pack(run(["export", "small"]));
    run(["import", "-q", "-b", "piped", "-"], packed);
    assert.equal(rootOf("piped"), rootOf("small"));
    run(["commit", "-q", "-b", "piped", "--tree=tar=-"], packed);
    assert.equal(bench.ok("diff", "piped", "small"), "");
  });
}

test("the name of an export says how it is packed", (t) => {
  if (!requires(t, { programs: ["zstd"] })) return;
  bench.ok("export", "-q", "small", "small.tar.zst");
  assert.deepEqual(readFileSync(bench.at("small.tar.zst")).subarray(0, 4), Buffer.from("28b52ffd", "hex"));
});

test("an export replaces nothing and leaves no half of an archive", () => {
  bench.write("taken.tar", "mine");
  assert.equal(bench.regrow("export", "main", "taken.tar").code, 14);
  assert.equal(readFileSync(bench.at("taken.tar"), "utf8"), "mine");
  assert.equal(execFileSync("ls", [bench.folder], { encoding: "utf8" }).includes(".partial"), false);
});

test("archives that would lead out of the tree, or are cut, make no commit", (t) => {
  if (!requires(t, { programs: ["python3", "tar"] })) return;
  const script = `
import tarfile, io, sys
def make(path, *entries):
    with tarfile.open(path, "w") as archive:
        for name, kind, target in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, target, 2 if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(b"x\\n") if entry.size else None)
make("up.tar", ("a/../../evil", tarfile.REGTYPE, ""))
make("through.tar", ("etc", tarfile.SYMTYPE, "/etc"), ("etc/evil", tarfile.REGTYPE, ""))
make("nowhere.tar", ("link", tarfile.LNKTYPE, "missing"))
make("absolute.tar", ("/etc/passwd", tarfile.REGTYPE, ""))
make("twice.tar", ("x", tarfile.REGTYPE, ""), ("x", tarfile.DIRTYPE, ""), ("x/y", tarfile.REGTYPE, ""), ("z", tarfile.LNKTYPE, "x/y"))
`;
  execFileSync("python3", ["-c", script], { cwd: bench.folder });
  const refs = bench.ok("refs", "-v");
  for (const [name, pattern] of [
    ["up.tar", /leads upwards/],
    ["absolute.tar", /it is absolute/],
    ["through.tar", /leads through etc, which is a link or file and no folder/],
    ["nowhere.tar", /is a hard link to missing, which is no file in the archive before it/],
  ] as const) {
    const { code, err } = bench.regrow("import", "-b", "evil", name);
    assert.equal(code, 12);
    assert.match(err, pattern);
  }
  execFileSync("tar", ["-czf", bench.at("whole.tar.gz"), "-C", bench.at("tree"), "large"]);
  writeFileSync(bench.at("cut.tar.gz"), readFileSync(bench.at("whole.tar.gz")).subarray(0, 100_000));
  const cut = bench.regrow("import", "-b", "evil", "cut.tar.gz");
  assert.equal(cut.code, 12, cut.err);
  assert.match(cut.err, /cut\.tar\.gz: can't be unpacked/);
  assert.equal(bench.ok("refs", "-v"), refs);
  bench.ok("import", "-q", "-b", "twice", "twice.tar");
  assert.equal(bench.ok("cat", "twice", "/z", "/x/y"), "x\nx");
});

test("ostree makes the same root of the same archive", (t) => {
  if (!requires(t, { programs: ["ostree", "tar"] })) return;
  bench.write("for-ostree/etc/motd", "hello\n");
  symlinkSync("motd", bench.at("for-ostree/etc/link"));
  // Not with --mode, which GNU tar applies to links too: regrow gives them 0777, the only mode that Linux knows.
  const options = ["--owner=0", "--group=0", "--numeric-owner"];
  execFileSync("tar", [...options, "-cf", bench.at("o.tar"), "-C", bench.at("for-ostree"), "."]);
  bench.ok("import", "-q", "-b", "o", "o.tar");
  execFileSync("ostree", ["init", "--repo=ostree", "--mode=bare-user"], { cwd: bench.folder });
  execFileSync("ostree", ["commit", "--repo=ostree", "-b", "o", "--tree=tar=o.tar"], { cwd: bench.folder });
  const listed = execFileSync("ostree", ["ls", "--repo=ostree", "-R", "-C", "-X", "o"], { cwd: bench.folder, encoding: "utf8" });
  assert.equal(`${bench.ok("ls", "-R", "-C", "-X", "o")}\n`, listed);
});

function rootOf(...args: readonly string[]): string {
  return /Root: {2}(.*)/.exec(bench.ok("show", ...args))![1]!;
}

function digest(name: string): string {
  return createHash("sha256")
    .update(readFileSync(bench.at(name)))
    .digest("hex");
}

function run(args: readonly string[], input?: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(bench.program, args, { cwd: bench.folder, env: bench.environment, input });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}
