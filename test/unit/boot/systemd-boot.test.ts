import assert from "node:assert/strict";
import test from "node:test";
import type { BootRequest } from "../../../src/boot/boot-loader.ts";
import { SYSTEMD_BOOT } from "../../../src/boot/systemd-boot.ts";
import { parseBootEntry } from "../../../src/codec/bls-entry.ts";

const REQUEST: BootRequest = {
  id: "regrow-7",
  title: "Debian 12",
  version: "6.1.0",
  kernel: { origin: "tree", path: "boot/vmlinuz-6.1.0", bytes: 10, sha256: "a".repeat(64) },
  initrd: { origin: "tree", path: "boot/initrd.img-6.1.0", bytes: 20, sha256: "b".repeat(64) },
  commandLine: "root=UUID=1 rw",
  menuSeconds: 3,
  program: { origin: "host", path: SYSTEMD_BOOT.programPaths("x64")[0]!, bytes: 30, sha256: "c".repeat(64) },
};

test("the entry comes last, and what it names is written before it", () => {
  const files = SYSTEMD_BOOT.planFiles(REQUEST);
  const paths = files.map((file) => file.path);
  assert.equal(paths.at(-1), "loader/entries/regrow-7.conf");
  const entry = files.at(-1)!.content;
  assert("text" in entry);
  const { linux, initrds, options, title, version } = parseBootEntry(entry.text);
  assert.deepEqual({ options, title, version }, { options: "root=UUID=1 rw", title: "Debian 12", version: "6.1.0" });
  for (const path of [linux, ...initrds]) assert(paths.includes(path.slice(1)), path);
  assert.deepEqual(new Set(paths).size, paths.length);
  assert(paths.includes("EFI/BOOT/BOOTX64.EFI") && paths.includes("EFI/systemd/systemd-bootx64.efi"));
});

test("other content gets another name, the same content the same", () => {
  const pathsOf = (request: BootRequest): string[] => SYSTEMD_BOOT.planFiles(request).map((file) => file.path);
  const [kernel, initrd] = pathsOf({ ...REQUEST, id: "other", initrd: { ...REQUEST.initrd, sha256: "d".repeat(64) } });
  assert.equal(kernel, pathsOf(REQUEST)[0]);
  assert.notEqual(initrd, pathsOf(REQUEST)[1]);
});

test("each processor has its own program", () => {
  const program = { ...REQUEST.program, path: SYSTEMD_BOOT.programPaths("arm64")[0]! };
  const paths = SYSTEMD_BOOT.planFiles({ ...REQUEST, program }).map((file) => file.path);
  assert(paths.includes("EFI/BOOT/BOOTAA64.EFI"));
  assert.deepEqual(SYSTEMD_BOOT.programPaths("s390x"), []);
});

test("an id that could leave the folder is refused", () => {
  assert.throws(() => SYSTEMD_BOOT.planFiles({ ...REQUEST, id: "../x" }), { code: "usage" });
});
