import assert from "node:assert/strict";
import { test } from "node:test";
import { swapState } from "../../../src/codec/swap-header.ts";

function page(size: number, signature: string): Buffer {
  const start = Buffer.alloc(65536);
  start.write(signature, size - 10, "latin1");
  return start;
}

test("a swap, a hibernated system, and neither", () => {
  for (const size of [4096, 16384, 65536]) {
    assert.equal(swapState(page(size, "SWAPSPACE2")), "swap");
    for (const signature of ["S1SUSPEND\0", "ULSUSPEND\0", "LINHIB0001"])
      assert.equal(swapState(page(size, signature)), "hibernated");
  }
  assert.equal(swapState(page(4096, "S1SUSPENDX")), undefined);
  assert.equal(swapState(page(4096, "SWAPSPACE2").subarray(0, 4095)), undefined);
  assert.equal(swapState(page(4096, "SWAPSPACE2").subarray(0, 4096)), "swap");
  assert.equal(swapState(Buffer.alloc(0)), undefined);
});
