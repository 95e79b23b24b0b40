/** The room that threads share: what was taken counts until the file system says better. */
import assert from "node:assert/strict";
import { appendFileSync, closeSync, openSync, readFileSync, statfsSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { type Repository, closeRepository, initRepository, openRepository } from "../../../src/store/repository.ts";
import { STEP, newRoom, takeRoom, writeWithin } from "../../../src/store/room.ts";
import { atEnd, scratchFolder } from "../../support/scratch.ts";

const BLOCK = 4096;
const FULL = { name: "RegrowError", code: "no-space" };

function withReserve(t: TestContext, megabytesLeft: number): Repository {
  const path = `${scratchFolder(t)}/repo`;
  initRepository(path, { mode: "bare-user" });
  const { bavail, bsize } = statfsSync(path);
  appendFileSync(`${path}/config`, `min-free-space-size=${Math.floor((bavail * bsize) / 2 ** 20) - megabytesLeft}MB\n`);
  const repository = openRepository(path);
  atEnd(t, () => closeRepository(repository));
  return repository;
}

test("what is taken is gone, block by block; what never took space comes back when it is used up", (t) => {
  const room = newRoom(withReserve(t, 100));
  const before = room.left[0]!;
  takeRoom(room, 1);
  takeRoom(room, BLOCK);
  takeRoom(room, BLOCK + 1);
  takeRoom(room, 0);
  assert.equal(before - room.left[0]!, 4);
  for (let taken = 0; taken < 400; taken++) takeRoom(room, STEP);
  assert.throws(() => takeRoom(room, 200 * STEP), { ...FULL, hint: /regrow prune/ });
  assert.throws(() => takeRoom(room, 2 ** 50), FULL);
  takeRoom(room, STEP);
});

test("a reserve that is touched already leaves nothing", (t) => {
  const room = newRoom(withReserve(t, -100));
  assert.throws(() => takeRoom(room, 1), FULL);
  takeRoom(room, 0);
  const hopeless = newRoom(withReserve(t, -(2 ** 42)));
  assert.equal(hopeless.left[0], 0);
  assert.throws(() => takeRoom(hopeless, 1), FULL);
});

test("another thread takes from the same room", async (t) => {
  const room = newRoom(withReserve(t, 100));
  const before = room.left[0]!;
  const source =
    "const { left } = require('node:worker_threads').workerData; for (let i = 0; i < 5; i++) Atomics.sub(left, 0, 1);";
  const worker = new Worker(source, { eval: true, workerData: { left: room.left } });
  await new Promise((resolve) => worker.on("exit", resolve));
  assert.equal(room.left[0], before - 5);
});

test("writing in steps writes all, and with too little room no more than what there is", (t) => {
  const repository = withReserve(t, 50);
  const data = Buffer.alloc(2 * STEP + 5, "abc");
  const path = `${repository.path}/tmp/file`;
  for (const room of [undefined, newRoom(repository)]) {
    const fd = openSync(path, "w");
    writeWithin(room, fd, data, 3);
    closeSync(fd);
    assert.ok(readFileSync(path).subarray(3).equals(data));
  }
  const fd = openSync(path, "w");
  const full = { repository: withReserve(t, -100), left: new Int32Array(new SharedArrayBuffer(4)).fill(256) };
  assert.throws(() => writeWithin(full, fd, data, 0), FULL);
  closeSync(fd);
  assert.equal(readFileSync(path).length, STEP);
});
