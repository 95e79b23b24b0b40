import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { newIdentities } from "../../../src/disk/identities.ts";
import { SIMPLE } from "../../../src/disk/layout.ts";
import { sfdiskScript, writePartitionTable } from "../../../src/disk/partition-table.ts";
import { planDisk } from "../../../src/disk/plan-disk.ts";
import { requires } from "../../support/requires.ts";

const SIZE = 2 * 2 ** 30;

test("the root's type says its processor", () => {
  const plan = planDisk(SIMPLE, { size: SIZE, sectorSize: 512 }, newIdentities(SIMPLE));
  const root = (architecture: string): string => sfdiskScript(plan, architecture).split("\n").at(-2)!;
  assert.match(root("x64"), /^start=1050624, size=3141632, type=4F68BCE3-.*, name="root"$/);
  assert.match(root("arm64"), /type=B921B045-/);
  assert.match(root("riscv64"), /type=0FC63DAF-/);
});

test("the table replaces whatever was there, the same plan gives the same bytes", async (t) => {
  if (!requires(t, { programs: ["sfdisk"] })) return;
  const folder = mkdtempSync(join(tmpdir(), "regrow-table-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const plan = planDisk(SIMPLE, { size: SIZE, sectorSize: 512 }, newIdentities(SIMPLE));
  const other = planDisk(SIMPLE, { size: SIZE, sectorSize: 512 }, newIdentities(SIMPLE));
  const heads: Buffer[] = [];
  for (const plans of [[plan], [other, plan]]) {
    const path = join(folder, `disk${plans.length}`);
    writeFileSync(path, "");
    truncateSync(path, SIZE);
    for (const one of plans) await writePartitionTable(path, one, {});
    heads.push(firstMebibyte(path));
  }
  assert.deepEqual(heads[0], heads[1]);
});

function firstMebibyte(path: string): Buffer {
  const head = Buffer.alloc(2 ** 20);
  const fd = openSync(path, "r");
  assert.equal(readSync(fd, head), head.length);
  closeSync(fd);
  return head;
}
