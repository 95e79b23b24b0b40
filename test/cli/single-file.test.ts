/** One file is all of regrow: it runs where there is no Node, no checkout and no PATH, and knows when it is damaged. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { VERSION } from "../../src/base/version.ts";
import { LIBDEFLATE } from "../support/libdeflate.ts";
import { requires } from "../support/requires.ts";
import { singleFile } from "../support/single-file.ts";

/** The worker, koffi, libdeflate where the machine that builds has it, and what stands in assets/. */
const ASSETS = (existsSync(LIBDEFLATE) ? 3 : 2) + countFiles(path.join(import.meta.dirname, "../../assets"));

let folder: string;
let executable: string;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "regrow-single-"));
  executable = path.join(folder, "regrow");
  copyFileSync(singleFile(), executable);
});

after(() => rmSync(folder, { recursive: true }));

test("it runs outside the checkout with an empty environment", () => {
  assert.deepEqual(run(executable, ["--version"]), { status: 0, stdout: `regrow ${VERSION}\n`, stderr: "" });
  const { status, stdout, stderr } = run(executable, ["--self-test"]);
  assert.match(stdout, new RegExp(`^self-test passed: ${ASSETS} assets, worker in \\d+ ms\n$`));
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

test("it ignores NODE_OPTIONS", () => {
  const { status, stderr } = run(executable, ["--version"], { NODE_OPTIONS: "--require=/nowhere.js" });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

test("a wrong command is told on stderr, with exit code 2", () => {
  const { status, stdout, stderr } = run(executable, ["--no-such-thing"]);
  assert.deepEqual({ status, stdout }, { status: 2, stdout: "" });
  assert.match(stderr, /^regrow: --no-such-thing: /);
});

test("it runs in a root that holds nothing but it and the C and C++ libraries", (t) => {
  if (!requires(t, { root: true, programs: ["unshare", "mount"] })) return;
  const root = path.join(folder, "root");
  for (const name of ["proc", "tmp"]) mkdirSync(path.join(root, name), { recursive: true });
  for (const library of librariesOf(executable)) {
    mkdirSync(path.join(root, path.dirname(library)), { recursive: true });
    copyFileSync(library, path.join(root, library));
  }
  copyFileSync(executable, path.join(root, "regrow"));
  const script = 'mount -t proc proc "$1/proc" && exec chroot "$1" /regrow --self-test';
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", root], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^self-test passed: ${ASSETS} assets`));
});

test("damage to any part of it is found", () => {
  const koffi = readFileSync(path.join(koffiFolder(), `linux_${process.arch}/koffi.node`));
  const whole = readFileSync(executable);
  const libdeflate = existsSync(LIBDEFLATE) ? readFileSync(LIBDEFLATE) : undefined;
  const at = {
    "worker.cjs": whole.indexOf('"self-test": async'),
    ...(libdeflate && { "libdeflate.so.0": whole.indexOf(libdeflate) + libdeflate.length / 2 }),
    "koffi.node": whole.indexOf(koffi) + koffi.length / 2,
    SHA256SUMS: whole.indexOf(/[0-9a-f]{64} {2}worker\.cjs\n/.exec(whole.toString("latin1"))![0]),
  };
  for (const [name, position] of Object.entries(at)) {
    const { status, stdout, stderr } = run(damaged(whole, position), ["--self-test"]);
    assert.deepEqual({ name, status, stdout }, { name, status: 12, stdout: "" });
    const blamed = name === "SHA256SUMS" ? "worker.cjs" : name;
    assert.match(stderr, new RegExp(`the part ${blamed} of this executable is damaged`));
  }
});

test("a missing part is found", () => {
  const koffi = readFileSync(path.join(koffiFolder(), `linux_${process.arch}/koffi.node`));
  const whole = readFileSync(executable);
  // The blob has the name of an asset right before its content.
  const name = whole.lastIndexOf("koffi.node", whole.indexOf(koffi));
  assert.ok(whole.indexOf(koffi) - name < 64);
  const { status, stdout, stderr } = run(damaged(whole, name), ["--self-test"]);
  assert.deepEqual({ status, stdout }, { status: 12, stdout: "" });
  assert.match(stderr, /the part koffi\.node of this executable is missing/);
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", cwd: "/", env: environment, timeout: 30_000 });
  return { status, stdout, stderr };
}

function damaged(whole: Buffer, position: number): string {
  const copy = Buffer.from(whole);
  copy[position]! ^= 1;
  const file = path.join(folder, "damaged");
  writeFileSync(file, copy);
  chmodSync(file, 0o755);
  return file;
}

function librariesOf(file: string): string[] {
  const listed = execFileSync("ldd", [file], { encoding: "utf8" });
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library!);
}

function koffiFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve(`@koromix/koffi-linux-${process.arch}/package.json`));
}

function countFiles(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
