import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { promisify } from "node:util";
import { RegrowError, SystemError } from "../../../src/base/errors.ts";
import { startPool, type WorkerPool } from "../../../src/sys/worker-pool.ts";

const entry = new URL("../../support/worker-fixture.ts", import.meta.url);

async function withPool(workers: number, use: (pool: WorkerPool) => Promise<void>): Promise<void> {
  const pool = startPool({ workers, entry });
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

test("a pool without an entry runs regrow's own worker", async () => {
  const pool = startPool({ workers: 1 });
  assert.deepEqual(await pool.run("echo", { a: [1, "two"] }), { a: [1, "two"] });
  await pool.close();
});

test("each answer reaches the one who asked, whether the handler is synchronous or not", async () => {
  await withPool(2, async (pool) => {
    const values = Array.from({ length: 60 }, (_, index) => index);
    const doubled = await Promise.all(values.map((value) => pool.run("double", { value })));
    assert.deepEqual(
      doubled,
      values.map((value) => value * 2),
    );
    const later = await Promise.all(values.map((value) => pool.run("later", { value })));
    assert.deepEqual(
      later,
      values.map((value) => value + 1),
    );
  });
});

test("jobs run beside each other, in as many threads as allowed and no more", async () => {
  await withPool(2, async (pool) => {
    const ids = await Promise.all([1, 2, 3, 4, 5].map(() => pool.run("thread", { milliseconds: 40 })));
    assert.equal(new Set(ids).size, 2);
  });
});

test("a transferred buffer is moved there and back", async () => {
  await withPool(1, async (pool) => {
    const buffer = new ArrayBuffer(1024);
    const running = pool.run<unknown, { buffer: ArrayBuffer }>("fill", { buffer, value: 9 }, { transfer: [buffer] });
    assert.equal(buffer.byteLength, 0, "moved away, not copied");
    const { buffer: back } = await running;
    assert.deepEqual(new Uint8Array(back), new Uint8Array(1024).fill(9));
  });
});

test("the family's errors keep class, fields, cause and stack", async () => {
  await withPool(1, async (pool) => {
    await assert.rejects(pool.run("refuse", {}), (error: RegrowError) => {
      assert.ok(error instanceof RegrowError);
      assert.deepEqual([error.code, error.path, error.hint], ["refused", "/srv/x", "Try on Monday."]);
      assert.equal(error.exitCode, new RegrowError("refused", "").exitCode);
      assert.ok(error.cause instanceof SystemError && error.cause.errno === "EROFS");
      assert.match(error.stack ?? "", /worker-fixture/);
      return true;
    });
    await assert.rejects(pool.run("system", {}), (error: SystemError) => {
      const same = new SystemError("renameat", "ENOSPC", "/srv/full");
      assert.ok(error instanceof SystemError);
      assert.deepEqual(
        [error.errno, error.call, error.path, error.code, error.hint, error.message],
        [same.errno, same.call, same.path, same.code, same.hint, same.message],
      );
      return true;
    });
  });
});

test("other failures of a handler keep name and message, and the worker lives on", async () => {
  await withPool(1, async (pool) => {
    await assert.rejects(pool.run("bug", {}), { name: "TypeError", message: /reading 'x'/ });
    await assert.rejects(pool.run("unclonable", {}), { name: "DataCloneError" });
    await assert.rejects(pool.run("double", { value: () => 1 }), { name: "DataCloneError" }, "a job that is no plain data");
    await assert.rejects(pool.run("nonsense", {}), /No worker does the job "nonsense"/);
    await assert.rejects(pool.run("constructor", {}), /No worker does the job "constructor"/);
    assert.equal(await pool.run("double", { value: 4 }), 8);
  });
});

test("a worker that dies fails its own job only; the next one gets a new worker", async () => {
  await withPool(1, async (pool) => {
    const results = await Promise.allSettled([pool.run("exit", {}), pool.run("double", { value: 1 }), pool.run("crash", {})]);
    assert.equal(results[1].status === "fulfilled" && results[1].value, 2);
    const messages = [results[0], results[2]].map((result) => result.status === "rejected" && (result.reason as Error).message);
    assert.deepEqual(messages, [
      'A worker thread stopped during the job "exit": it ended without an answer.',
      'A worker thread stopped during the job "crash": fell over.',
    ]);
    assert.equal(await pool.run("double", { value: 3 }), 6);
  });
});

test("close ends a job that would never end, and whatever waits", async () => {
  const pool = startPool({ workers: 1, entry });
  await pool.run("double", { value: 1 });
  const jobs = [pool.run("forever", {}), pool.run("double", { value: 1 })];
  const settled = Promise.allSettled(jobs);
  await pool.close();
  for (const result of await settled) {
    assert.ok(result.status === "rejected" && (result.reason as RegrowError).code === "cancelled");
  }
  await assert.rejects(pool.run("double", { value: 1 }), { code: "cancelled" });
});

test("close comes to its end where an answer arrives while the worker is being ended", async () => {
  const poolFile = new URL("../../../src/sys/worker-pool.ts", import.meta.url).href;
  const script = `
    const { startPool } = await import(${JSON.stringify(poolFile)});
    for (let round = 0; round < 10; round++) {
      const pool = startPool({ workers: 1, entry: new URL(${JSON.stringify(entry.href)}) });
      await pool.run("double", { value: 1 });
      const job = pool.run("double", { value: 2 }).catch(() => {});
      // The answer lies ready when the worker is told to end.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
      await pool.close();
      await job;
    }
    console.log("closed");
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
  assert.equal(stdout, "closed\n");
});

test("an idle pool doesn't keep the process alive, a job does", async () => {
  const poolFile = new URL("../../../src/sys/worker-pool.ts", import.meta.url).href;
  const script = `
    const { startPool } = await import(${JSON.stringify(poolFile)});
    const pool = startPool({ workers: 2, entry: new URL(${JSON.stringify(entry.href)}) });
    pool.run("double", { value: 1 });
    pool.run("later", { value: 2 }).then((value) => console.log("answer", value));
  `;
  const options = { timeout: 20_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], options);
  assert.equal(stdout, "answer 3\n");
});
