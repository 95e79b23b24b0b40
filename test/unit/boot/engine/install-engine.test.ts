import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { gatherEngineFacts } from "../../../../src/boot/engine/engine-facts.ts";
import { engineState } from "../../../../src/boot/engine/engine-state.ts";
import { installEngine, planEngineInstall, removeEngine } from "../../../../src/boot/engine/install-engine.ts";
import { CWD, O, closeFd, openAt } from "../../../../src/sys/open.ts";
import { tryRun } from "../../../support/programs.ts";
import { requires } from "../../../support/requires.ts";

const ASSETS = join(import.meta.dirname, "../../../../assets/engine");
const MACHINE = { x64: 62, arm64: 183 };

test("a root gets the files that its generators need, once", async (t) => {
  const { folder, fd } = makeRoot(t, ["usr/sbin/mkinitramfs", "usr/lib/systemd/systemd-shutdown"]);
  const plan = planEngineInstall(gatherEngineFacts(fd));
  assert.deepEqual(
    plan.write.map(({ file }) => [file.path, file.mode.toString(8)]),
    [
      ["usr/lib/regrow/regrow-exchange", "755"],
      ["usr/lib/regrow/regrow-engine", "755"],
      ["usr/lib/systemd/system-shutdown/regrow", "755"],
      ["usr/share/initramfs-tools/scripts/local-premount/regrow", "755"],
      ["usr/share/initramfs-tools/hooks/regrow", "755"],
    ],
  );
  assert.deepEqual(plan.remakeInitramfs, [["update-initramfs", "-u", "-k", "all"]]);
  assert.equal((await engineState(fd)).installed, "absent");
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  installEngine(fd, plan);
  for (const { file } of plan.write) {
    const path = join(folder, file.path);
    assert(readFileSync(path).equals(readFileSync(join(ASSETS, "..", file.content))), file.path);
    assert.equal(statSync(path).mode & 0o777, file.mode, file.path);
  }
  assert.equal(statSync(join(folder, "usr/lib/regrow/regrow-exchange")).size < 300, true);
  const again = planEngineInstall(gatherEngineFacts(fd));
  assert.deepEqual([again.write.length, again.unchanged.length, again.remakeInitramfs.length], [0, 5, 0]);
  assert.equal((await engineState(fd)).installed, "current");
});

test("what is missing or changed is seen and mended", async (t) => {
  const { folder, fd } = makeRoot(t, ["usr/bin/dracut", "usr/bin/mkinitcpio", "usr/lib/systemd/systemd-shutdown"]);
  installEngine(fd, planEngineInstall(gatherEngineFacts(fd)));
  const engine = join(folder, "usr/lib/regrow/regrow-engine");
  chmodSync(engine, 0o644);
  assert.equal((await engineState(fd)).installed, "outdated");
  writeFileSync(engine, "#!/bin/sh\n");
  rmSync(join(folder, "usr/lib/initcpio/install/regrow"));
  assert.equal((await engineState(fd)).installed, "partly");
  const plan = planEngineInstall(gatherEngineFacts(fd));
  assert.deepEqual(
    plan.write.map(({ file, replaces }) => [file.path, replaces]),
    [
      ["usr/lib/regrow/regrow-engine", true],
      ["usr/lib/initcpio/install/regrow", false],
    ],
  );
  assert.deepEqual(plan.remakeInitramfs, [["mkinitcpio", "-P"]]);
  assert.deepEqual(plan.warnings, ["There are mkinitcpio and dracut: mkinitcpio is taken for the one that makes the images."]);
  installEngine(fd, plan);
  assert.equal((await engineState(fd)).installed, "current");
});

test("all of it is taken away again, and nothing else", async (t) => {
  const programs = ["usr/bin/dracut", "usr/bin/mkinitcpio", "usr/sbin/mkinitramfs", "usr/lib/systemd/systemd-shutdown"];
  const { folder, fd } = makeRoot(t, programs);
  mkdirSync(join(folder, "etc/mkinitcpio.conf.d"), { recursive: true });
  writeFileSync(join(folder, "etc/mkinitcpio.conf.d/other.conf"), "HOOKS+=(other)\n");
  const plan = planEngineInstall(gatherEngineFacts(fd));
  installEngine(fd, plan);
  assert.deepEqual(removeEngine(fd), plan.write.map(({ file }) => file.path).toReversed());
  assert.deepEqual(removeEngine(fd), []);
  assert.equal((await engineState(fd)).installed, "absent");
  for (const path of [...programs, "etc/mkinitcpio.conf.d/other.conf"]) assert(existsSync(join(folder, path)), path);
});

test("it never writes through a link out of the root", (t) => {
  const { folder, fd } = makeRoot(t, ["usr/lib/systemd/systemd-shutdown"]);
  const elsewhere = mkdtempSync(join(tmpdir(), "regrow-elsewhere-"));
  t.after(() => rmSync(elsewhere, { recursive: true }));
  symlinkSync(elsewhere, join(folder, "usr/lib/regrow"));
  assert.throws(() => installEngine(fd, planEngineInstall(gatherEngineFacts(fd))), { code: "hostile" });
  assert.equal(existsSync(join(elsewhere, "regrow-exchange")), false);
});

test("a machine without systemd or a generator is told what that means", (t) => {
  const { fd } = makeRoot(t, ["usr/bin/bash"]);
  const plan = planEngineInstall(gatherEngineFacts(fd));
  assert.equal(plan.write.length, 2);
  assert.equal(plan.warnings.length, 2);
});

test("an unknown processor is refused", (t) => {
  const { folder, fd } = makeRoot(t, []);
  assert.throws(() => gatherEngineFacts(fd), { code: "unsupported" });
  writeProgram(join(folder, "usr/bin/bash"), 243);
  assert.throws(() => gatherEngineFacts(fd), { code: "unsupported", message: /usr\/bin\/bash/ });
});

for (const [name, program, args] of [
  ["zstd", "zstd", ["-q", "-c"]],
  ["gzip", "gzip", ["-c"]],
  ["xz", "xz", ["-c", "--check=crc32"]],
  ["nothing", "cat", []],
] as const) {
  test(`the engine is found in an image packed by ${name}, behind another archive`, async (t) => {
    if (!requires(t, { programs: ["cpio", "zstd", "xz", "gzip"] })) return;
    const { folder, fd } = makeRoot(t, ["usr/sbin/mkinitramfs", "usr/lib/systemd/systemd-shutdown"]);
    installEngine(fd, planEngineInstall(gatherEngineFacts(fd)));
    mkdirSync(join(folder, "boot"));
    const image = (inner: string): void => {
      const script = `cd "$1" && echo usr/bin/microcode | cpio -o -H newc --quiet > ../early
        find ${inner} | cpio -o -H newc --quiet | ${[program, ...args].join(" ")} > ../late
        { cat ../early; head -c 512 /dev/zero; cat ../late; } > boot/initrd.img-6.1.0; rm ../early ../late`;
      mkdirSync(join(folder, "usr/bin"), { recursive: true });
      writeFileSync(join(folder, "usr/bin/microcode"), "early");
      const { status, stderr } = tryRun("sh", ["-ec", script, "sh", folder]);
      assert.equal(status, 0, stderr);
    };
    const engines = async (): Promise<unknown> => (await engineState(fd)).images.map(({ path, engine }) => [path, engine]);
    image("usr");
    assert.deepEqual(await engines(), [["boot/initrd.img-6.1.0", "current"]]);
    image("usr/share");
    assert.deepEqual(await engines(), [["boot/initrd.img-6.1.0", "absent"]]);
    writeFileSync(join(folder, "usr/lib/regrow/regrow-engine"), "#!/bin/sh\n");
    image("usr");
    assert.deepEqual(await engines(), [["boot/initrd.img-6.1.0", "other"]]);
    const whole = readFileSync(join(folder, "boot/initrd.img-6.1.0"));
    writeFileSync(join(folder, "boot/initrd.img-6.1.0"), whole.subarray(0, whole.length - 600));
    assert.deepEqual(await engines(), [["boot/initrd.img-6.1.0", "unreadable"]]);
  });
}

/** A folder below another, with programs that have nothing but the start of an ELF header. */
function makeRoot(t: TestContext, programs: readonly string[]): { readonly folder: string; readonly fd: number } {
  const home = mkdtempSync(join(tmpdir(), "regrow-engine-root-"));
  const folder = join(home, "root");
  mkdirSync(folder);
  for (const program of programs) writeProgram(join(folder, program), MACHINE[process.arch as "x64" | "arm64"]);
  const fd = openAt(CWD, folder, O.RDONLY | O.DIRECTORY);
  t.after(() => {
    closeFd(fd);
    rmSync(home, { recursive: true });
  });
  return { folder, fd };
}

function writeProgram(path: string, machine: number): void {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(machine, 18);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, header);
}
