/**
 * A machine on a loop device, set up, committed, broken, taken back and forth, typed as a user would. The judges are copies made
 * beforehand, compared by rsync, and the real ostree and btrfs.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { EXIT } from "../../src/base/exit-codes.ts";
import { workbench } from "../support/cli.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { atEnd, mountedFileSystem, scratchFolder } from "../support/scratch.ts";

const NEEDS = { root: true, programs: ["btrfs", "mkfs.btrfs", "mount", "rsync", "ostree"], filesystems: ["btrfs"] };
const bench = workbench();

interface Scene {
  /** The mounted root. */
  readonly root: string;
  readonly top: string;
  readonly regrow: (...args: readonly string[]) => string;
  /** A copy of the root as it is now. */
  copy(): string;
  /** Mounts the root anew, as a boot would. */
  start(): void;
}

/** `name`: the root subvolume's path. `isDefault`: it is mounted as the default one. */
function machineAt(t: TestContext, name: string, isDefault = false): Scene {
  const top = mountedFileSystem(t, "btrfs", 1200);
  const device = runText("findmnt", ["-n", "-o", "SOURCE", top]).replace(/\[.*/, "");
  const root = `${scratchFolder(t)}/root`;
  mkdirSync(root);
  if (name.includes("/")) mkdirSync(`${top}/${name.slice(0, name.lastIndexOf("/"))}`, { recursive: true });
  run("btrfs", ["-q", "subvolume", "create", `${top}/${name}`]);
  if (isDefault) run("btrfs", ["subvolume", "set-default", `${top}/${name}`]);
  const mount = (): void => void run("mount", [...(isDefault ? [] : ["-o", `subvol=${name}`]), device, root]);
  mount();
  atEnd(t, () => void run("umount", ["--lazy", root]));
  for (const folder of ["home/ada", "root", "var/lib", "var/log", "boot", "srv", "usr/bin"])
    mkdirSync(`${root}/${folder}`, { recursive: true });
  cpSync("/etc", `${root}/etc`, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: (path) => !path.includes("regrow"),
  });
  rmSync(`${root}/etc/fstab`, { force: true });
  writeFileSync(`${root}/usr/bin/tool`, "old");
  writeFileSync(`${root}/home/ada/work`, "old");
  run("btrfs", ["-q", "subvolume", "create", `${root}/var/lib/machines`]);
  writeFileSync(`${root}/var/lib/machines/one`, "old");
  let copies = 0;
  const copiesFolder = scratchFolder(t);
  return {
    root,
    top,
    regrow: (...args) => bench.ok("--sysroot", root, ...args),
    copy: () => {
      const path = `${copiesFolder}/${copies++}`;
      run("cp", ["-a", root, path]);
      return path;
    },
    start: () => {
      run("umount", [root]);
      mount();
    },
  };
}

function differences(before: string, after: string): string[] {
  const text = runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", `${before}/`, `${after}/`]);
  return text.split("\n").filter((line) => line !== "");
}

function breakIt(root: string): void {
  writeFileSync(`${root}/usr/bin/tool`, "broken");
  rmSync(`${root}/etc/passwd`);
  mkdirSync(`${root}/opt/added`, { recursive: true });
  writeFileSync(`${root}/opt/added/file`, "added");
  writeFileSync(`${root}/home/ada/work`, "new");
  writeFileSync(`${root}/var/lib/machines/one`, "new");
}

for (const [name, isDefault] of [
  ["@", false],
  ["@rootfs", false],
  ["roots/current", false],
  ["@snap_root", true],
] as const) {
  test(`there and back: ${name}${isDefault ? ", the default subvolume" : ""}`, (t) => {
    if (!requires(t, NEEDS)) return;
    const { root, top, regrow, copy, start } = machineAt(t, name, isDefault);
    regrow("setup", "-y", "-q");
    const first = regrow("commit", "-q", "-m", "first");
    const good = copy();
    breakIt(root);
    const broken = copy();
    assert.match(regrow("rollback", "-n"), new RegExp(`back to     ${first.slice(0, 10)}`));
    assert.deepEqual(differences(broken, root), [], "a dry run changes nothing");
    regrow("rollback", "-y", "-q");
    start();
    // What is carried, and what is a subvolume of its own, is as it was before.
    const left = isDefault ? ["home/ada/work"] : ["home/ada/work", "var/lib/machines/one"];
    const found = differences(good, root).map((line) => line.replace(/^\S+ /, ""));
    assert.deepEqual(
      found.filter((path) => !path.startsWith("var/lib/machines")),
      left.filter((path) => !path.startsWith("var/")),
    );
    assert.equal(readFileSync(`${root}/home/ada/work`, "utf8"), "new");
    assert.equal(readFileSync(`${root}/var/lib/machines/one`, "utf8"), "new");
    const history = regrow("log", "--oneline").split("\n");
    assert.equal(history.length, 3);
    assert.match(history[0]!, /Go back to/);
    regrow("undo", "-y", "-q");
    start();
    assert.deepEqual(differences(broken, root), [], "undone to the byte");
    regrow("undo", "-y", "-q");
    start();
    assert.equal(readFileSync(`${root}/usr/bin/tool`, "utf8"), "old");
    assert.match(runText("ostree", ["fsck", "--repo", `${top}/@regrow/repo`, "-a"]), /no errors/);
    assert.deepEqual(
      regrow("undo", "--list")
        .split("\n")
        .map((line) => line.split(/\s+/).slice(3, 5).join(" ")),
      ["done rollback", "done undo", "done undo"],
    );
    regrow("commit", "-q", "--verify");
  });
}

test("home, logs and an image store of their own, and a kernel in the root", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, top, regrow, copy, start } = machineAt(t, "@");
  const nested = ["home", "var/log", "var/lib/machines"];
  for (const path of ["home", "var/log"]) {
    run("mv", [`${root}/${path}`, `${root}/${path}.was`]);
    run("btrfs", ["-q", "subvolume", "create", `${root}/${path}`]);
    run("cp", ["-a", `${root}/${path}.was/.`, `${root}/${path}/`]);
    run("rm", ["-r", `${root}/${path}.was`]);
  }
  const layKernel = (release: string): void => {
    mkdirSync(`${root}/usr/lib/modules/${release}/kernel`, { recursive: true });
    writeFileSync(`${root}/usr/lib/modules/${release}/modules.dep`, "");
    writeFileSync(`${root}/boot/vmlinuz-${release}`, `kernel ${release}`);
    writeFileSync(`${root}/boot/initrd.img-${release}`, `initramfs ${release}`);
  };
  layKernel("6.1.0-1-amd64");
  regrow("setup", "-y", "-q");
  regrow("commit", "-q", "-m", "first");
  const good = copy();
  breakIt(root);
  writeFileSync(`${root}/var/log/messages`, "what happened");
  for (const folder of ["boot", "usr/lib/modules"]) run("sh", ["-c", 'rm -r "$0"/*', `${root}/${folder}`]);
  layKernel("6.2.0-1-amd64");
  const broken = copy();
  const own = nested.flatMap((path) => ["--exclude", `/${path}/*`]);
  const outside = (before: string, after: string): string[] =>
    runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", ...own, `${before}/`, `${after}/`])
      .split("\n")
      // Nested subvolumes are where they were: the time of the folder in their place is theirs.
      .filter((line) => line !== "" && !nested.some((path) => line.endsWith(` ${path}/`)));
  regrow("rollback", "-y", "-q");
  start();
  assert.deepEqual(outside(good, root), []);
  assert.deepEqual(differences(`${good}/boot`, `${root}/boot`), [], "kernel and initramfs go back together");
  for (const path of nested) assert.deepEqual(differences(`${broken}/${path}`, `${root}/${path}`), [], `/${path} goes on`);
  const listed = runText("btrfs", ["subvolume", "list", top]);
  for (const path of nested) assert.match(listed, new RegExp(`path (<FS_TREE>/)?@/${path}$`, "m"));
  assert.deepEqual(outside(broken, `${top}/@regrow/history/1/root`), [], "the replaced root is kept");
  regrow("undo", "-y", "-q");
  start();
  assert.deepEqual(differences(broken, root), [], "undone to the byte");
});

test("a root in the top level is committed, and told how it comes into a subvolume", (t) => {
  if (!requires(t, NEEDS)) return;
  const top = mountedFileSystem(t, "btrfs", 600);
  mkdirSync(`${top}/etc`);
  writeFileSync(`${top}/etc/hostname`, "old");
  const regrow = (...args: readonly string[]): string => bench.ok("--sysroot", top, ...args);
  assert.match(regrow("setup", "-n"), /btrfs subvolume snapshot[^]*subvol=@rootfs/);
  regrow("setup", "-y", "-q");
  const commit = regrow("commit", "-q");
  writeFileSync(`${top}/etc/hostname`, "new");
  regrow("commit", "-q", "--verify");
  assert.equal(regrow("cat", commit, "/etc/hostname"), "old");
  const { code, err } = bench.regrow("--sysroot", top, "rollback", "-y");
  assert.notEqual(code, 0);
  assert.match(err, /top level of its file system.*\n.*setup -n/);
  assert.equal(readFileSync(`${top}/etc/hostname`, "utf8"), "new");
});

test("single paths come back, and nothing else does", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, top, regrow, copy } = machineAt(t, "@");
  regrow("setup", "-y", "-q");
  assert.match(regrow("status"), /last {8}no commit yet/);
  regrow("commit", "-q", "-m", "first");
  assert.match(regrow("status"), /changed {5}0 entries/);
  const good = copy();
  breakIt(root);
  const broken = copy();
  assert.match(regrow("status"), /changed {5}[1-9]/);
  const told = regrow("diff", "--name-status")
    .split("\n")
    .filter((line) => !line.endsWith("/"));
  assert.deepEqual(told, ["D\tetc/passwd", "M\thome/ada/work", "A\topt/added/file", "M\tusr/bin/tool"]);
  assert.match(regrow("diff", "main", "now", "-p", "--", "/usr"), /-old[^]*\+broken/);
  // The snapshot that was taken for it is gone.
  assert.equal(runText("sh", ["-c", 'ls -A "$0"', `${top}/@regrow/base`]).split("\n").length, 1);
  assert.equal(regrow("restore", "-n", "main", "/etc/passwd", "/usr"), "make     /etc/passwd\nreplace  /usr");
  assert.deepEqual(differences(broken, root), []);
  const before = regrow("restore", "-y", "-q", "main", "/etc/passwd", "/usr");
  for (const path of ["etc", "usr"])
    assert.deepEqual(
      differences(`${good}/${path}`, `${root}/${path}`).filter((line) => !line.startsWith(".d..t")),
      [],
    );
  const elsewhere = differences(broken, root).filter((line) => !line.startsWith(".d..t"));
  assert.deepEqual(
    elsewhere.map((line) => line.replace(/^\S+ +/, "")),
    ["etc/passwd", "usr/bin/tool"],
  );
  // What they replaced is kept.
  assert.equal(regrow("cat", before, "/usr/bin/tool"), "broken");
  const refused = (code: number, pattern: RegExp, ...paths: readonly string[]): void => {
    const result = bench.regrow("--sysroot", root, "restore", "-y", "main", ...paths);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, pattern);
  };
  refused(EXIT.refused, /\/var: \/var\/lib\/machines in it is a file system or subvolume/, "/var");
  refused(EXIT.failure, /is not in/, "/etc/nowhere");
  refused(EXIT.usage, /not a path of the machine/, "/");
  refused(EXIT.usage, /not a path of the machine/, "/etc/../usr");
});

test("what can't be taken back says so", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, regrow } = machineAt(t, "@");
  const refused = (code: number, pattern: RegExp, ...args: readonly string[]): void => {
    const result = bench.regrow("--sysroot", root, ...args);
    assert.equal(result.code, code, result.err);
    assert.match(result.err, pattern);
  };
  refused(EXIT.noRepository, /not set up.*\n.*regrow setup/, "rollback");
  refused(EXIT.noRepository, /not set up/, "commit");
  regrow("setup", "-y", "-q");
  refused(EXIT.failure, /no commit to go back to/, "rollback");
  refused(EXIT.failure, /no operation to reverse/, "undo");
  regrow("commit", "-q");
  refused(EXIT.failure, /nothing has changed since the first commit/, "rollback");
  writeFileSync(`${root}/etc/fstab`, "/dev/sda1 /boot ext4 defaults 0 2\n");
  refused(EXIT.refused, /\/boot is a file system of its own by \/etc\/fstab.*\n.*Mount it/, "rollback", "-y");
  writeFileSync(`${root}/etc/regrow.toml`, 'brnch = "x"\n');
  refused(EXIT.usage, /etc\/regrow\.toml: line 1: brnch: no such key.*\n.*`branch`/, "commit");
});

test("nothing is switched while a hibernated system waits in the swap", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, regrow, start } = machineAt(t, "@");
  run("btrfs", ["-q", "subvolume", "create", `${root}/swap`]);
  writeFileSync(`${root}/swap/file`, Buffer.alloc(1024 * 1024));
  run("mkswap", [`${root}/swap/file`]);
  writeFileSync(`${root}/etc/fstab`, "/swap/file none swap sw 0 0\n");
  regrow("setup", "-y", "-q");
  regrow("commit", "-q");
  writeFileSync(`${root}/usr/bin/tool`, "broken");
  const fresh = readFileSync(`${root}/swap/file`);
  const hibernated = Buffer.from(fresh);
  // Documentation/power/swsusp.rst: in place of the swap's own signature, at the end of the first page.
  hibernated.write("S1SUSPEND\0", 4096 - 10, "latin1");
  const refused = (...args: readonly string[]): void => {
    writeFileSync(`${root}/swap/file`, hibernated);
    const result = bench.regrow("--sysroot", root, ...args);
    assert.equal(result.code, EXIT.refused, result.err);
    assert.match(result.err, /\/swap\/file: a hibernated system waits/);
    writeFileSync(`${root}/swap/file`, fresh);
  };
  refused("rollback", "-y");
  assert.equal(readFileSync(`${root}/usr/bin/tool`, "utf8"), "broken");
  regrow("rollback", "-y", "-q");
  start();
  assert.equal(readFileSync(`${root}/usr/bin/tool`, "utf8"), "old");
  refused("undo", "-y");
  regrow("undo", "-y", "-q");
});

test("old snapshots go, and their commits stay", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, top, regrow, start } = machineAt(t, "@");
  regrow("setup", "-y", "-q");
  regrow("commit", "-q", "-m", "first");
  regrow("tag", "kept", "main");
  for (let round = 0; round < 12; round++) {
    writeFileSync(`${root}/usr/bin/tool`, `${round}`);
    regrow("commit", "-q", "-m", `round ${round}`);
  }
  assert.equal(runText("sh", ["-c", 'ls -A "$0"', `${top}/@regrow/base`]).split("\n").length, 11);
  assert.equal(regrow("cat", `main${"^".repeat(11)}`, "/usr/bin/tool"), "0");
  regrow("rollback", "-y", "-q", `main${"^".repeat(11)}`);
  assert.equal(readFileSync(`${top}/@/usr/bin/tool`, "utf8"), "0");
  start();
  assert.match(regrow("prune", "--policy", "--keep-last=3", "-n"), /last/);
});

test("replaced roots go by the rules, and undo says so", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, top, regrow, start } = machineAt(t, "@");
  regrow("setup", "-y", "-q");
  regrow("commit", "-q");
  breakIt(root);
  for (const command of ["rollback", "undo", "undo", "undo"]) {
    regrow(command, "-y", "-q");
    start();
  }
  const roots = (): string[] => readdirSync(`${top}/@regrow/history`).toSorted();
  const shown = (line: string): string => line.replace(/^(\S+) \S+(\d)\/root .* operation \d/, "$1 $2");
  const plan = (): string[] =>
    regrow("prune", "--policy", "-n")
      .split("\n")
      .filter((line) => line.includes("/root"))
      .map(shown);
  assert.deepEqual(plan(), ["kept 4, last", "kept 3, last", "kept 2, last", "kept 1, days"]);
  const config = readFileSync(`${root}/etc/regrow.toml`, "utf8");
  const rule = (keep: string): void => writeFileSync(`${root}/etc/regrow.toml`, config.replace("{ last = 3, days = 30 }", keep));
  rule("{ last = 1 }");
  // What had no place in the new root is nowhere else; what is empty is no loss.
  run("btrfs", ["-q", "subvolume", "create", `${top}/@regrow/history/3/root/mine`]);
  writeFileSync(`${top}/@regrow/history/3/root/mine/file`, "only here");
  run("btrfs", ["-q", "subvolume", "create", `${top}/@regrow/history/2/root/empty`]);
  for (const left of ["next/99", "history/98"]) mkdirSync(`${top}/@regrow/${left}`);
  run("btrfs", ["-q", "subvolume", "snapshot", root, `${top}/@regrow/next/99/root`]);
  assert.deepEqual(plan(), ["kept 4, last", "kept 3, holds the subvolume /mine", "removed 2", "removed 1"]);
  assert.deepEqual(roots(), ["1", "2", "3", "4", "98"], "a dry run removes nothing");
  assert.equal(bench.regrow("--sysroot", root, "prune", "--policy").code, EXIT.refused);
  assert.deepEqual(roots(), ["1", "2", "3", "4", "98"]);
  regrow("prune", "--policy", "-y");
  assert.deepEqual([roots(), readdirSync(`${top}/@regrow/next`)], [["3", "4"], []]);
  const list = regrow("undo", "--list").split("\n");
  assert.deepEqual(
    list.map((line) => line.includes("no undo")),
    [true, true, false, false],
  );
  regrow("undo", "-y", "-q");
  start();
  assert.equal(readFileSync(`${root}/usr/bin/tool`, "utf8"), "old");
  rule("{ last = 0, days = 0 }");
  run("mount", [
    "-o",
    "subvol=@regrow/history/5/root",
    runText("findmnt", ["-n", "-o", "SOURCE", top]).trim().replace(/\[.*/, ""),
    `${root}/srv`,
  ]);
  assert.deepEqual(plan()[0], "kept 5, in use");
  run("umount", [`${root}/srv`]);
  regrow("prune", "--policy", "-y");
  assert.deepEqual(roots(), ["3"]);
  const late = bench.regrow("--sysroot", root, "undo", "-y");
  assert.deepEqual([late.code, /was removed on .*\n.*regrow rollback/.test(late.err)], [EXIT.failure, true], late.err);
  run("btrfs", ["subvolume", "show", `${top}/@`]);
});

test("what is forgotten is in no snapshot any more, and what still has it is told", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, top, regrow, start } = machineAt(t, "@");
  regrow("setup", "-y", "-q");
  writeFileSync(`${root}/usr/secret`, "the secret");
  regrow("commit", "-q");
  regrow("rollback", "-y", "-q", regrow("commit", "-q"));
  rmSync(`${root}/usr/secret`);
  regrow("commit", "-q");
  writeFileSync(`${root}/usr/bin/tool`, "later");
  regrow("commit", "-q");
  regrow("rollback", "-y", "-q", "main^");
  start();
  const withSecret = (): string[] =>
    runText("find", [`${top}/@regrow`, `${top}/@`, "-path", "*/usr/secret"])
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.slice(top.length + 1).replace(/[0-9a-f]{64}/, "COMMIT"));
  assert.deepEqual(withSecret(), ["@regrow/base/COMMIT/root/usr/secret"]);
  run("cp", ["--reflink=auto", `${root}/usr/bin/tool`, `${top}/@regrow/history/1/root/usr/secret`]);
  const names = (): string[] => readdirSync(`${top}/@regrow/base`).toSorted();
  const before = names();
  const planned = bench.regrow("--sysroot", root, "forget", "-n", "/usr/secret");
  assert.match(
    planned.err,
    /1 snapshot of commits that had it would be removed\.\nStill on this machine, in: @regrow\/history\/1\/root\./,
  );
  assert.deepEqual(names(), before);
  regrow("forget", "-y", "-q", "/usr/secret");
  assert.deepEqual(withSecret(), ["@regrow/history/1/root/usr/secret"]);
  const commits = regrow("log", "--json")
    .split("\n")
    .map((line) => (JSON.parse(line) as { commit: string }).commit);
  assert.deepEqual(names(), commits.slice(0, -1).toSorted(), "the others have the new names");
  writeFileSync(`${root}/usr/bin/tool`, "after");
  // Made from the renamed snapshot, and the same as a full scan, also after going back to a tree that is a snapshot already.
  const next = bench.regrow("--sysroot", root, "commit", "--verify");
  assert.deepEqual([next.code, /full scan/.test(next.err)], [0, false], next.err);
  regrow("undo", "-y", "-q");
  start();
  assert.equal(readFileSync(`${root}/usr/bin/tool`, "utf8"), "later");
  assert.match(runText("ostree", ["fsck", "--repo", `${top}/@regrow/repo`, "-a"]), /no errors/);
});

test("setup is done once, and taken away again", (t) => {
  if (!requires(t, NEEDS)) return;
  const { root, top, regrow } = machineAt(t, "@");
  const paths = ["etc/regrow.toml", "etc/systemd/system/\\x2eregrow.mount"].map((path) => `${root}/${path}`);
  assert.match(regrow("setup", "-n"), /to do\s+the subvolume @regrow/);
  assert.ok(!existsSync(`${top}/@regrow`) && !paths.some((path) => existsSync(path)));
  regrow("setup", "-y", "-q");
  assert.ok(paths.every((path) => existsSync(path)));
  run("btrfs", ["subvolume", "show", `${top}/@regrow`]);
  const written = readFileSync(paths[0]!, "utf8");
  writeFileSync(paths[0]!, `${written}# mine\n`);
  assert.match(bench.regrow("--sysroot", root, "setup", "-y").err, /nothing to do/);
  assert.equal(readFileSync(paths[0]!, "utf8"), `${written}# mine\n`);
  writeFileSync(paths[0]!, written);
  regrow("setup", "--undo", "-y", "-q");
  assert.ok(!existsSync(`${top}/@regrow`) && !paths.some((path) => existsSync(path)));
});
