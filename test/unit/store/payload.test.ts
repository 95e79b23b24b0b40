/** Payloads that change while they are copied: what is written is what was hashed, whatever the source has become. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { copyPayload, writePayload } from "../../../src/store/content/payload.ts";
import { statFd } from "../../../src/sys/stat.ts";
import { requires } from "../../support/requires.ts";
import { withLoopFileSystem } from "../../support/loop-file-system.ts";

function withFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(path.join(os.tmpdir(), "regrow-payload-"));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyWhole(folder: string, size: number): { count: number; hash: string; copy: string } {
  const source = openSync(`${folder}/source`, "r");
  const target = openSync(`${folder}/copy`, "w+");
  const digest = createHash("sha256");
  const count = copyPayload(target, source, size, (piece) => digest.update(piece));
  closeSync(source);
  closeSync(target);
  return { count, hash: digest.digest("hex"), copy: `${folder}/copy` };
}

function assertSound({ count, hash, copy }: ReturnType<typeof copyWhole>): void {
  assert.equal(statSync(copy).size, count);
  assert.equal(createHash("sha256").update(readFileSync(copy)).digest("hex"), hash);
}

const DATA = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) & 0xff));

test("a source that shrank or grew after its size was asked for: the copy is what was shown", () => {
  for (const size of [DATA.length, DATA.length + 50_000, DATA.length - 50_000, 0]) {
    withFolder((folder) => {
      writeFileSync(`${folder}/source`, DATA);
      assertSound(copyWhole(folder, size));
    });
  }
});

test("zeroes in the source take no space in the copy, also at its end", () => {
  withFolder((folder) => {
    writeFileSync(`${folder}/source`, DATA);
    truncateSync(`${folder}/source`, 8 * 2 ** 20);
    const copied = copyWhole(folder, 8 * 2 ** 20);
    assertSound(copied);
    assert.ok(statSync(copied.copy).blocks * 512 < 3 * 2 ** 20);
  });
});

test("on btrfs, where blocks are shared: the same", (t) => {
  if (!requires(t, { root: true, programs: ["mkfs.btrfs", "losetup", "mount"], filesystems: ["btrfs"] })) return;
  withLoopFileSystem("btrfs", 128, (folder) => {
    writeFileSync(`${folder}/source`, DATA);
    for (const size of [DATA.length, DATA.length + 50_000, DATA.length - 50_000]) assertSound(copyWhole(folder, size));
    assertSharing(folder);

    const source = openSync(`${folder}/source`, "r+");
    const cloneVersion = statFd(source);
    execFileSync("sh", ["-c", `sleep 0.02; printf changed | dd of=${folder}/source conv=notrunc status=none`]);
    const target = openSync(`${folder}/object`, "w+");
    writePayload(target, { kind: "memory", data: DATA, cloneFrom: source, cloneVersion });
    assert.equal(fstatSync(target).size, DATA.length);
    assert.deepEqual(readFileSync(`${folder}/object`), DATA, "what was hashed, not what stands there now");
    closeSync(source);
    closeSync(target);
  });
});

function assertSharing(folder: string): void {
  execFileSync("sync", ["-f", folder]);
  const report = execFileSync("btrfs", ["filesystem", "du", "--raw", "-s", folder]).toString().trim().split("\n").at(-1)!;
  const [total, exclusive] = report.trim().split(/\s+/).map(Number) as [number, number];
  assert.ok(exclusive < total, report);
}
