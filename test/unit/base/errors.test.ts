import assert from "node:assert/strict";
import os from "node:os";
import { test } from "node:test";
import { type ErrorCode, RegrowError, SystemError, isErrno, throwIfCancelled } from "../../../src/base/errors.ts";
import { EXIT } from "../../../src/base/exit-codes.ts";

/** Fixed for good: scripts depend on it. */
const EXITS: Record<ErrorCode, number> = {
  usage: 2,
  "no-repository": 10,
  "not-found": 1,
  ambiguous: 1,
  exists: 14,
  locked: 11,
  corrupt: 12,
  hostile: 12,
  verification: 12,
  unsupported: 1,
  torn: 1,
  conflict: 14,
  "no-space": 13,
  refused: 14,
  "missing-program": 15,
  "missing-privilege": 15,
  "program-failed": 1,
  system: 1,
  cancelled: 130,
};

test("every code has its exit code", () => {
  for (const [code, exit] of Object.entries(EXITS)) assert.equal(new RegrowError(code as ErrorCode, "").exitCode, exit, code);
});

test("an error carries path, hint and cause, or none of them", () => {
  const cause = new Error("why");
  const full = new RegrowError("corrupt", "m", { path: "/p", hint: "h", cause });
  assert.deepEqual([full.name, full.message, full.path, full.hint, full.cause], ["RegrowError", "m", "/p", "h", cause]);
  const plain = new RegrowError("corrupt", "m");
  assert.deepEqual([plain.path, plain.hint, "cause" in plain], [undefined, undefined, false]);
});

test("a failed system call says what, where and why, and gets the code of its errno", () => {
  const cases: readonly [string, ErrorCode, RegExp][] = [
    ["ENOSPC", "no-space", /^\/p: no space left on the device \(write: ENOSPC\)$/],
    ["EDQUOT", "no-space", /quota/],
    ["EACCES", "missing-privilege", /permission denied/],
    ["EPERM", "missing-privilege", /not permitted/],
    ["EEXIST", "exists", /exists already/],
    ["ENOENT", "not-found", /no such file/],
    ["EIO", "system", /input\/output error/],
    ["EXYZ", "system", /system call failed \(write: EXYZ\)/],
  ];
  for (const [errno, code, message] of cases) {
    const error = new SystemError("write", errno, "/p");
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(error instanceof RegrowError && isErrno(error, "E1", errno));
    assert.ok(!isErrno(error, "E1"));
  }
  assert.ok(!isErrno(new Error("ENOENT"), "ENOENT"));
  assert.match(new SystemError("fsync", "EIO").message, /^input\/output error/);
});

test("errors of a full disk and of missing rights say what to do", () => {
  for (const errno of ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EIO", "EMFILE"]) {
    assert.ok(errno in os.constants.errno);
    assert.match(new SystemError("open", errno).hint ?? "", /^[A-Z].*\.$/, errno);
  }
});

test("a raised signal is told as cancelled, with the exit code of Ctrl-C", () => {
  throwIfCancelled(undefined);
  throwIfCancelled(new AbortController().signal);
  assert.throws(() => throwIfCancelled(AbortSignal.abort()), { code: "cancelled", exitCode: EXIT.cancelled });
});
