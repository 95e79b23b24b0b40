/** What diff prints in git's forms, judged by git and by patch; path filters; packages, judged by dpkg and rpm. */
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { workbench } from "../support/cli.ts";
import { run, runText, tryRun } from "../support/programs.ts";
import { requires } from "../support/requires.ts";

const bench = workbench();

before(() => {
  const long = Array.from({ length: 200 }, (_, line) => `line ${line}\n`);
  bench.write("a/etc/long", long.join(""));
  bench.write("a/etc/ends", "no newline");
  bench.write("a/etc/mode", "mode\n");
  bench.write("a/etc/gone", "gone\n");
  bench.write("a/etc/becomes-link", "text\n");
  bench.write("a/usr/share/moved", "moved with all its lines\nand more\n");
  bench.write("a/usr/share/same", "same\n");
  bench.write("a/usr/bin/tool", Buffer.from([1, 0, 2]));
  symlinkSync("long", bench.at("a/etc/link"));
  cpSync(bench.at("a"), bench.at("b"), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  writeFileSync(bench.at("b/etc/long"), long.toSpliced(150, 3, "other\n").toSpliced(7, 0, "more\n").join(""));
  writeFileSync(bench.at("b/etc/ends"), "no newline\nbut one");
  chmodSync(bench.at("b/etc/mode"), 0o755);
  rmSync(bench.at("b/etc/gone"));
  rmSync(bench.at("b/etc/becomes-link"));
  symlinkSync("long", bench.at("b/etc/becomes-link"));
  rmSync(bench.at("b/etc/link"));
  symlinkSync("ends", bench.at("b/etc/link"));
  bench.write("b/etc/new folder/with space", "new\n");
  bench.write("b/etc/new folder/tab\there", "new\n");
  bench.write("b/etc/new folder/ümlaut", "new\n");
  bench.write("b/etc/empty", "");
  mkdirSync(bench.at("b/var"));
  renameSync(bench.at("b/usr/share/moved"), bench.at("b/var/moved"));
  bench.ok("init", "--mode=bare-user");
  bench.ok("commit", "-q", "-b", "main", "-s", "a", "a");
  bench.ok("commit", "-q", "-b", "main", "-s", "b", "b");
});

test("names, letters and numbers are git's, of commits and of folders", (t) => {
  if (!requires(t, { programs: ["git", "rsync"] })) return;
  // git compares what it keeps in its index, so that the names are relative to the root of the tree.
  const git = (...args: readonly string[]): string =>
    run("git", ["-c", "user.name=t", "-c", "user.email=t", ...args], { cwd: bench.at("git") }).toString("latin1");
  mkdirSync(bench.at("git"));
  git("init", "-q");
  for (const side of ["a", "b"]) {
    run("rsync", ["-a", "--delete", "--exclude=/.git", `${bench.at(side)}/`, `${bench.at("git")}/`]);
    git("add", "-A");
    git("commit", "-q", "-m", side);
  }
  for (const sides of [
    ["main^", "main"],
    ["main^", "./b"],
    ["./a", "./b"],
  ]) {
    const ours = (...form: readonly string[]): string =>
      run(bench.program, ["diff", ...form, ...sides], { cwd: bench.folder, env: bench.environment }).toString("latin1");
    const theirs = (...form: readonly string[]): string => git("diff", "-M100%", "HEAD^", "HEAD", ...form);
    assert.equal(sorted(withoutFolders(ours("--name-status"))), sorted(theirs("--name-status")));
    assert.equal(
      ours("--name-only", "--", "/etc/long", "/usr"),
      "etc/long\nusr/share/\n".replace("usr/share/\n", "usr/share/moved\n"),
    );
    // What is numbered of a link in a file's place is a matter of taste.
    assert.equal(sorted(plainNumbers(ours("--numstat"))), sorted(plainNumbers(theirs("--numstat"))));
    assert.deepEqual(
      ours("--name-status", "-z")
        .split("\0")
        .filter((field) => field.includes("ümlaut".normalize())),
      [],
    );
    assert.ok(ours("--name-status", "-z").includes(`\0A\0etc/new folder/${Buffer.from("ümlaut").toString("latin1")}\0`));
    git("checkout", "-q", "-f", "HEAD^");
    run("git", ["apply"], { cwd: bench.at("git"), input: Buffer.from(ours("--patch"), "latin1") });
    assert.equal(differences("git", "b"), "");
    git("checkout", "-q", "-f", "-");
  }
});

test("patch takes a patch", (t) => {
  if (!requires(t, { programs: ["patch", "rsync"] })) return;
  cpSync(bench.at("a"), bench.at("patched"), { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const text = run(bench.program, ["diff", "-p", "main^", "main"], { cwd: bench.folder, env: bench.environment });
  const { status, stdout, stderr } = tryRun("patch", ["-p1", "--quiet"], { cwd: bench.at("patched"), input: text });
  assert.equal(status, 0, `${stdout.toString()}${stderr}`);
  assert.equal(differences("patched", "b"), "");
});

test("paths restrict what is compared", () => {
  const lines = (...args: readonly string[]): string[] =>
    bench
      .ok("diff", ...args)
      .split("\n")
      .filter((line) => !line.endsWith("/"));
  for (const sides of [
    ["main^", "main"],
    ["main^", "./b"],
    ["./a", "./b"],
  ]) {
    assert.deepEqual(lines(...sides, "--", "usr", "/var"), ["R    /usr/share/moved -> /var/moved"]);
    assert.deepEqual(lines(...sides, "--", "usr"), ["D    /usr/share/moved"]);
    assert.deepEqual(lines(...sides, "--path=/etc/mode", "--path=etc//gone"), ["D    /etc/gone", "M    /etc/mode"]);
    assert.equal(bench.ok("diff", ...sides, "nowhere"), "");
    assert.equal(bench.regrow("diff", ...sides, "--exit-code", "--", "/etc/mode").code, 1);
    assert.equal(bench.regrow("diff", ...sides, "--exit-code", "--", "/usr/bin").code, 0);
  }
  assert.deepEqual(lines("--", "/etc/mode"), ["M    /etc/mode"]);
  assert.equal(bench.regrow("diff", "--stat", "--patch").code, 2);
});

test("packages of dpkg: added, removed, upgraded, downgraded", (t) => {
  if (!requires(t, { programs: ["dpkg-query"] })) return;
  const status = (versions: Readonly<Record<string, string>>): string =>
    Object.entries(versions)
      .map(
        ([name, version]) =>
          `Package: ${name}\nStatus: install ok installed\nMaintainer: a\nArchitecture: amd64\nVersion: ${version}\nDescription: x\n y\n`,
      )
      .join("\n");
  bench.write("p/var/lib/dpkg/status", status({ gone: "1", openssl: "3.0.9", old: "2:1.0~rc1", same: "1" }));
  bench.write(
    "q/var/lib/dpkg/status",
    `${status({ come: "1-1", openssl: "3.0.14", old: "1:2.0", same: "1" })}\nPackage: left\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n`,
  );
  const listed = runText("dpkg-query", [
    `--admindir=${bench.at("q/var/lib/dpkg")}`,
    "-W",
    "-f=${Package} ${Version} ${db:Status-Status}\n",
  ]);
  assert.deepEqual(listed.split("\n").filter((line) => line.endsWith(" installed")).length, 4);
  const expected = [
    "added       come 1-1",
    "removed     gone 1",
    "downgraded  old 2:1.0~rc1 → 1:2.0",
    "upgraded    openssl 3.0.9 → 3.0.14",
  ].join("\n");
  assert.equal(bench.ok("diff", "--packages-only", "./p", "./q"), expected);
  assert.equal(bench.ok("diff", "./p", "./q"), `M    /var/lib/dpkg/status\n\n${expected}`);
  assert.equal(bench.ok("diff", "--no-packages", "./p", "./q"), "M    /var/lib/dpkg/status");
  bench.ok("commit", "-q", "-b", "packages", "p");
  const objects = bench
    .ok("diff", "--json", "--packages-only", "packages", "./q")
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    objects.map(({ kind, change, name, before: old, after }) => [kind, change, name, old ?? null, after ?? null])[3],
    ["package", "upgraded", "openssl", "3.0.9", "3.0.14"],
  );
});

test("packages of rpm, from a database that rpm made", (t) => {
  if (!requires(t, { programs: ["rpm", "rpmbuild"] })) return;
  for (const [side, version] of [
    ["r", "1.9"],
    ["s", "1.10"],
  ] as const) {
    bench.write(
      "tool.spec",
      `Name: tool\nEpoch: 2\nVersion: ${version}\nRelease: 3\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n`,
    );
    run("rpmbuild", ["-bb", "--quiet", "--define", `_topdir ${bench.at("build")}`, bench.at("tool.spec")]);
    const database = bench.at(side, "usr/lib/sysimage/rpm");
    mkdirSync(database, { recursive: true });
    run("rpm", [
      "--dbpath",
      database,
      "-i",
      "--justdb",
      "--nodeps",
      "--ignorearch",
      `${bench.at("build")}/RPMS/noarch/tool-${version}-3.noarch.rpm`,
    ]);
    const judged = runText("rpm", ["--dbpath", database, "-qa", "--qf", "%{NAME} %{EPOCH}:%{VERSION}-%{RELEASE} %{ARCH}"]);
    assert.equal(judged, `tool 2:${version}-3 noarch`);
  }
  assert.equal(bench.ok("diff", "--packages-only", "./r", "./s"), "upgraded    tool 2:1.9-3 → 2:1.10-3");
});

test("packages of pacman", () => {
  for (const [side, version] of [
    ["v", "1:2.0-1"],
    ["w", "1:2.0.1-1"],
  ]) {
    bench.write(`${side}/var/lib/pacman/local/tool-${version}/desc`, `%NAME%\ntool\n\n%VERSION%\n${version}\n\n%ARCH%\nx86_64\n`);
    bench.write(`${side}/var/lib/pacman/local/ALPM_DB_VERSION`, "9\n");
  }
  assert.equal(bench.ok("diff", "--packages-only", "./v", "./w"), "upgraded    tool 1:2.0-1 → 1:2.0.1-1");
});

/** By content, type, permissions and target; git and patch keep no times. */
function differences(one: string, other: string): string {
  const args = ["-n", "-i", "-r", "-l", "-p", "-c", "--delete", "--exclude=/.git", `${bench.at(one)}/`, `${bench.at(other)}/`];
  const lines = runText("rsync", args).split("\n");
  // Folders, of which a patch says nothing.
  return lines.filter((line) => line !== "" && !line.endsWith("/")).join("\n");
}

function withoutFolders(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.endsWith("/"))
    .join("\n");
}

function plainNumbers(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.includes("becomes-link") && !line.includes("moved"))
    .join("\n");
}

function sorted(text: string): string {
  return text.split("\n").sort().join("\n");
}
