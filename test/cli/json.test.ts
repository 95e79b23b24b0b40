/** With --json, stdout has result objects only, one a line, and stderr has objects too. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";

const bench = workbench();
const ODD = Buffer.from([0x6f, 0x64, 0x64, 0xff]);

before(() => {
  bench.write("tree/file", "content\n");
  mkdirSync(bench.at("tree/folder"));
  symlinkSync("file", bench.at("tree/link"));
  execFileSync("mkfifo", [bench.at("tree/fifo")]);
  writeFileSync(Buffer.concat([Buffer.from(`${bench.at("tree")}/`), ODD]), "odd\n");
  bench.ok("init", "--mode=bare-user");
});

test("commit", () => {
  const [result, ...more] = objects("commit", "--json", "-b", "main", "-m", "Subject", "tree");
  assert.deepEqual(more, []);
  assert.match(result!["commit"] as string, /^[0-9a-f]{64}$/);
  assert.deepEqual([result!["branch"], result!["isNew"], result!["parent"]], ["main", true, null]);
  assert.equal((result!["counts"] as { files: number }).files, 3);
});

test("log and show", () => {
  const [entry] = objects("log", "--json");
  const [shown] = objects("--json", "show");
  assert.deepEqual({ ...shown, parentMissing: false }, entry);
  assert.equal(entry!["subject"], "Subject");
  assert.deepEqual(entry!["refs"], ["main"]);
});

test("ls has what the sidecar has, and names that are no text", () => {
  const entries = objects("ls", "-R", "--json", "main");
  const find = (type: string, name: string): Record<string, unknown> | undefined =>
    entries.find((entry) => entry["type"] === type && entry["path"] === name);
  assert.match(find("file", "/file")!["time"] as string, /^\d+\.\d{9}$/);
  assert.equal(find("link", "/link")!["target"], "file");
  assert.equal(find("fifo", "/fifo")!["checksum"], undefined);
  assert.equal(find("dir", "/folder")!["size"], 0);
  const odd = entries.find((entry) => entry["pathBase64"] !== undefined)!;
  assert.deepEqual(Buffer.from(odd["pathBase64"] as string, "base64"), Buffer.concat([Buffer.from("/"), ODD]));
  assert.equal(odd["path"], "/odd\\xff");
});

test("diff, refs, tag, checkout", () => {
  bench.write("tree/file", "other\n");
  assert.deepEqual(
    objects("diff", "--json", "main", "./tree").map(({ kind, path, what }) => ({ kind, path, what })),
    [{ kind: "modified", path: "/file", what: ["content", "time"] }],
  );
  const commit = objects("show", "--json")[0]!["commit"];
  assert.deepEqual(objects("refs", "--json"), [{ ref: "main", commit }]);
  assert.deepEqual(objects("tag", "--json", "v1"), [{ tag: "v1", commit }]);
  assert.deepEqual(objects("tag", "--json"), [{ tag: "v1", commit }]);
  assert.equal(objects("checkout", "--json", "main", "out")[0]!["target"], "out");
});

test("init", () => {
  assert.deepEqual(objects("init", "--json", "--mode=archive", "other"), [{ repository: "other", mode: "archive", isNew: true }]);
  assert.equal(objects("init", "--json", "--mode=archive", "other")[0]!["isNew"], false);
});

test("errors are objects on stderr, wherever --json stands", () => {
  for (const args of [
    ["--json", "show", "nowhere"],
    ["show", "nowhere", "--json"],
  ]) {
    const { code, out, err } = bench.regrow(...args);
    assert.deepEqual([code, out], [1, ""]);
    const { type, code: kind, exitCode, hint } = JSON.parse(err) as Record<string, unknown>;
    assert.deepEqual([type, kind, exitCode], ["error", "not-found", 1]);
    assert.equal(typeof hint, "string");
  }
  assert.equal((JSON.parse(bench.regrow("--json", "xyzzy").err) as Record<string, unknown>)["code"], "usage");
});

test("notices are objects on stderr", () => {
  execFileSync("python3", ["-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", bench.at("tree/socket")]);
  const { code, err } = bench.regrow("commit", "--json", "-v", "-b", "main", "tree");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(err), {
    type: "notice",
    code: "socket",
    message: "is a socket, which can't be kept",
    path: "socket",
  });
  assert.match(bench.regrow("commit", "-b", "main", "tree").err, /1 socket left out \(-v names them\)/);
  assert.match(bench.regrow("commit", "-v", "-b", "main", "tree").err, /^socket: is a socket/);
});

function objects(...args: readonly string[]): Record<string, unknown>[] {
  const { code, out, err } = bench.regrow(...args);
  assert.deepEqual([code, err], [0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
