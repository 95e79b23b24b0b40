/**
 * Every call that changes something announces itself here first. Tests use it to stop the process at each such point
 * in turn, or to make that very call fail; without a test it costs one comparison.
 *
 * REGROW_FAIL_AT=N[:ERRNO] kills the process with SIGKILL before its N-th change (counted from 1), or makes that change
 * fail with ERRNO. REGROW_FAIL_TRACE=FILE appends the name of every change to FILE, so that a test can
 * enumerate the points by itself. The count spans all threads of the process.
 */
import { appendFileSync } from "node:fs";
import process from "node:process";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import { SystemError } from "../base/errors.ts";

const at = process.env["REGROW_FAIL_AT"];
const trace = process.env["REGROW_FAIL_TRACE"];
const armed = at !== undefined || trace !== undefined;
const counter = armed ? sharedCounter() : undefined;
const [target, errno] = (at ?? "0").split(":");

/** Announces the change named `call`; to be called right before it. */
export function failPoint(call: string, path?: string): void {
  if (counter !== undefined) announce(counter, call, path);
}

function announce(shared: Int32Array, call: string, path: string | undefined): void {
  const number = Atomics.add(shared, 0, 1) + 1;
  if (trace !== undefined) appendFileSync(trace, `${call}\n`);
  if (number !== Number(target)) return;
  if (errno !== undefined) throw new SystemError(call, errno, path);
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function sharedCounter(): Int32Array {
  const KEY = "regrow-fail-point";
  if (!isMainThread) return getEnvironmentData(KEY) as unknown as Int32Array;
  const shared = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(KEY, shared as never);
  return shared;
}
