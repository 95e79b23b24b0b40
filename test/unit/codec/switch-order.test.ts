import assert from "node:assert/strict";
import test from "node:test";
import { type SwitchOrder, formatSwitchOrder, parseSwitchOrder, parseSwitchRefusal } from "../../../src/codec/switch-order.ts";

const ORDER: SwitchOrder = {
  operation: "42",
  bootClass: "a",
  name: "@rootfs",
  next: "@regrow/next/42/root",
  nextId: 270,
  currentId: 256,
  history: "@regrow/history/42/root",
  kernels: ["6.1.0-37-amd64", "6.1.0-38-amd64"],
  nested: ["var/lib/machines", "var/lib/portables"],
};

const TEXT = `version=1
operation=42
class=a
name=@rootfs
next=@regrow/next/42/root
next_id=270
current_id=256
history=@regrow/history/42/root
kernels=6.1.0-37-amd64 6.1.0-38-amd64
nested=var/lib/machines var/lib/portables
`;

test("an order is written as the engine reads it, and read back", () => {
  assert.equal(formatSwitchOrder(ORDER), TEXT);
  assert.deepEqual(parseSwitchOrder(TEXT), ORDER);
  const other: SwitchOrder = { ...ORDER, name: "@/root", kernels: [], nested: [] };
  assert.deepEqual(parseSwitchOrder(formatSwitchOrder(other)), other);
});

test("what the engine could misread is not written", () => {
  const table: readonly (readonly [Partial<SwitchOrder>, string])[] = [
    [{ operation: "" }, "usage"],
    [{ operation: "4 2" }, "usage"],
    [{ operation: "4\nname=@" }, "usage"],
    [{ name: "" }, "usage"],
    [{ name: "/@rootfs" }, "usage"],
    [{ name: "@/../etc" }, "usage"],
    [{ name: "@//root" }, "usage"],
    [{ name: "@regrow/repo" }, "usage"],
    [{ name: "@regrow" }, "usage"],
    [{ name: "@root fs" }, "unsupported"],
    [{ name: "@root=fs" }, "unsupported"],
    [{ name: "@root\nfs" }, "unsupported"],
    [{ name: "@würzel" }, "unsupported"],
    [{ name: "$(reboot)" }, "unsupported"],
    [{ next: "@next" }, "usage"],
    [{ next: "@regrow/next/" }, "usage"],
    [{ next: "@regrow/next/../../@home" }, "usage"],
    [{ history: "@regrow/next/1/root" }, "usage"],
    [{ nextId: 5 }, "usage"],
    [{ nextId: 256 }, "usage"],
    [{ currentId: 256.5 }, "usage"],
    [{ kernels: ["6.1 x"] }, "unsupported"],
    [{ kernels: [""] }, "unsupported"],
  ];
  for (const [change, code] of table) {
    assert.throws(() => formatSwitchOrder({ ...ORDER, ...change }), { code }, JSON.stringify(change));
  }
});

test("an order that is damaged or too new is refused", () => {
  const table: readonly (readonly [string, string])[] = [
    ["", "corrupt"],
    [TEXT.replace("version=1", "version=2"), "unsupported"],
    [TEXT.replace("class=a", "class=d"), "unsupported"],
    [`${TEXT}try=3\n`, "corrupt"],
    [`${TEXT}name=@rootfs\n`, "corrupt"],
    [`${TEXT}\n`, "corrupt"],
    [TEXT.replace("next_id=270", "next_id=0x10e"), "corrupt"],
    [TEXT.replace("next_id=270", "next_id=256"), "corrupt"],
    [TEXT.replace("name=@rootfs", "name=../x"), "corrupt"],
    ...TEXT.trimEnd()
      .split("\n")
      .map((line) => [TEXT.replace(`${line}\n`, ""), "corrupt"] as const),
  ];
  for (const [text, code] of table) assert.throws(() => parseSwitchOrder(text), { code }, text);
});

test("a refusal is read", () => {
  const text = "operation=42\nmode=initramfs\ncode=kernel\nreason=the next root has no modules=none\n";
  assert.deepEqual(parseSwitchRefusal(text), {
    operation: "42",
    mode: "initramfs",
    code: "kernel",
    reason: "the next root has no modules=none",
  });
  assert.throws(() => parseSwitchRefusal("operation=42\n"), { code: "corrupt" });
  assert.throws(() => parseSwitchRefusal(text.replace("initramfs", "never")), { code: "corrupt" });
});
