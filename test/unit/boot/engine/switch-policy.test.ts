import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { armSwitch, disarmSwitch, readSwitchPolicy } from "../../../../src/boot/engine/switch-policy.ts";
import { type SwitchOrder, formatSwitchOrder } from "../../../../src/codec/switch-order.ts";
import { CWD, O, closeFd, openAt } from "../../../../src/sys/open.ts";

const ORDER: SwitchOrder = {
  operation: "1",
  bootClass: "a",
  name: "@",
  next: "@regrow/next/1/root",
  nextId: 300,
  currentId: 256,
  history: "@regrow/history/1/root",
  kernels: ["6.1.0-1-amd64"],
  nested: [],
};
const NOTHING = { armed: undefined, refused: undefined, done: undefined };

test("an order is armed, seen and taken back", (t) => {
  const { folder, fd } = makeFolder(t);
  assert.deepEqual(readSwitchPolicy(fd), NOTHING);
  assert.equal(disarmSwitch(fd), undefined);
  armSwitch(fd, ORDER);
  assert.equal(readFileSync(join(folder, "policy/switch"), "utf8"), formatSwitchOrder(ORDER));
  assert.equal(statSync(join(folder, "policy/switch")).mode & 0o777, 0o600);
  assert.deepEqual(readSwitchPolicy(fd), { ...NOTHING, armed: ORDER });
  armSwitch(fd, { ...ORDER, nextId: 301 });
  assert.throws(() => armSwitch(fd, { ...ORDER, operation: "2" }), { code: "exists" });
  assert.deepEqual(disarmSwitch(fd), { ...ORDER, nextId: 301 });
  assert.deepEqual(readSwitchPolicy(fd), NOTHING);
});

test("a refusal counts as long as its order is pending", (t) => {
  const { folder, fd } = makeFolder(t);
  armSwitch(fd, ORDER);
  const refuse = (operation: string): void =>
    writeFileSync(
      join(folder, "policy/switch.refused"),
      `operation=${operation}\nmode=initramfs\ncode=kernel\nreason=no modules\n`,
    );
  for (const operation of ["1", "unknown"]) {
    refuse(operation);
    assert.deepEqual(readSwitchPolicy(fd).refused, { operation, mode: "initramfs", code: "kernel", reason: "no modules" });
  }
  refuse("0");
  assert.equal(readSwitchPolicy(fd).refused, undefined);
  armSwitch(fd, ORDER);
  assert.equal(existsSync(join(folder, "policy/switch.refused")), false);
  renameSync(join(folder, "policy/switch"), join(folder, "policy/switch.done"));
  assert.deepEqual(readSwitchPolicy(fd), { ...NOTHING, done: ORDER });
  armSwitch(fd, { ...ORDER, operation: "2" });
});

test("an order that can't be read is told, and taken back all the same", (t) => {
  const { folder, fd } = makeFolder(t);
  for (const text of ["version=2\n", `${formatSwitchOrder(ORDER)}try=1\n`]) {
    armSwitch(fd, ORDER);
    writeFileSync(join(folder, "policy/switch"), text);
    assert.throws(() => readSwitchPolicy(fd), { code: "corrupt" });
    assert.equal(disarmSwitch(fd), "unreadable");
    assert.deepEqual(readSwitchPolicy(fd), NOTHING);
  }
});

function makeFolder(t: TestContext): { readonly folder: string; readonly fd: number } {
  const folder = mkdtempSync(join(tmpdir(), "regrow-policy-"));
  const fd = openAt(CWD, folder, O.RDONLY | O.DIRECTORY);
  t.after(() => {
    closeFd(fd);
    rmSync(folder, { recursive: true });
  });
  return { folder, fd };
}
