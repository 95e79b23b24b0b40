/** File systems that are full, small, or for reading only: typed errors with the right exit code, and nothing half done. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { RegrowError } from "../../src/base/errors.ts";
import { EXIT } from "../../src/base/exit-codes.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { diffCommitFolder } from "../../src/store/diff/diff.ts";
import { repositorySource } from "../../src/store/pull/object-source.ts";
import { pull } from "../../src/store/pull/pull.ts";
import { readRef } from "../../src/store/refs.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { withLoopFileSystemAsync } from "../support/loop-file-system.ts";
import { assertNoLeftOvers, judgeByOstree, makeVersion } from "../support/repository-judge.ts";
import { requires } from "../support/requires.ts";

const NEEDS = { root: true, programs: ["mkfs.ext4", "losetup", "mount", "ostree"] } as const;
const MIB = 2 ** 20;

function makeHome(t: TestContext): string {
  const home = mkdtempSync(path.join(os.tmpdir(), "regrow-faults-"));
  t.after(() => rmSync(home, { recursive: true }));
  mkdirSync(`${home}/tree`);
  makeVersion(`${home}/tree`, 1);
  return home;
}

function addNoise(tree: string, count: number, size: number): void {
  for (let number = 0; number < count; number++) writeFileSync(`${tree}/noise${number}`, randomBytes(size));
}

function available(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const isFull = (error: unknown): boolean => {
  assert.ok(error instanceof RegrowError, String(error));
  assert.deepEqual([error.code, error.exitCode], ["no-space", EXIT.noSpace], error.message);
  return true;
};

for (const mode of ["archive", "bare"] as const) {
  for (const [what, count, size] of [
    ["many small files", 600, 40_000],
    ["one file too large for memory", 1, 40 * MIB],
  ] as const) {
    test(`a commit that does not fit, of ${what}, into mode ${mode}`, { timeout: 120_000 }, async (t) => {
      if (!requires(t, NEEDS)) return;
      const home = makeHome(t);
      await withLoopFileSystemAsync("ext4", 20, async (folder) => {
        const repository = `${folder}/repo`;
        initRepository(repository, { mode });
        appendFileSync(`${repository}/config`, "min-free-space-size=0MB\n");
        const first = await withRepository(repository, (open) =>
          commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] }),
        );
        const before = available(folder);
        addNoise(`${home}/tree`, count, size);
        await withRepository(repository, async (open) => {
          await assert.rejects(commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] }), isFull);
          assert.equal(readRef(open, "main"), first.commit);
        });
        judgeByOstree(repository);
        assertNoLeftOvers(repository);
        // The file system's own tables may have grown a little.
        assert.ok(before - available(folder) < 512 * 1024, "what was written is gone again");
        for (const name of readdirSync(`${home}/tree`)) if (name.startsWith("noise")) rmSync(`${home}/tree/${name}`);
        await withRepository(repository, (open) =>
          commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] }),
        );
        judgeByOstree(repository);
      });
    });
  }
}

test("what must stay free stays free", { timeout: 120_000 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const home = makeHome(t);
  await withLoopFileSystemAsync("ext4", 24, async (folder) => {
    const repository = `${folder}/repo`;
    initRepository(repository, { mode: "archive" });
    const set = (text: string): void =>
      writeFileSync(`${repository}/config`, `[core]\nrepo_version=1\nmode=archive-z2\n${text}\n`);
    const commit = (): Promise<unknown> =>
      withRepository(repository, (open) =>
        commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] }),
      );
    addNoise(`${home}/tree`, 20, 256 * 1024);
    for (const config of ["min-free-space-size=18MB", "min-free-space-percent=80"]) {
      set(config);
      await assert.rejects(commit(), isFull, config);
      judgeByOstree(repository);
    }
    set("min-free-space-size=10MB");
    await commit();
    assert.ok(available(folder) >= 10 * MIB);
    judgeByOstree(repository);
  });
});

/** Each has a dirtree and records in the sidecar to itself: more than may be written. */
const FOLDERS = 6000;
const RESERVES = [
  ["folders", 0, 0, 8],
  ["many small files", 1500, 40_000, 24],
  ["files of a few megabytes", 20, 6 * MIB, 24],
  ["one file too large for memory", 1, 60 * MIB, 24],
] as const;
/** A step of each of two threads, and what the file system needs for its own tables. */
const MOST_TOUCHED = 3 * MIB;

for (const mode of ["archive", "bare"] as const) {
  for (const [what, count, size, room] of RESERVES) {
    test(`the reserve is not touched while ${what} are staged, in mode ${mode}`, { timeout: 120_000 }, async (t) => {
      if (!requires(t, NEEDS)) return;
      const home = makeHome(t);
      for (let number = 0; count === 0 && number < FOLDERS; number++) {
        mkdirSync(`${home}/tree/${number}/in-${number}`, { recursive: true });
      }
      addNoise(`${home}/tree`, count, size);
      await withLoopFileSystemAsync("ext4", 96, async (folder) => {
        const repository = `${folder}/repo`;
        initRepository(repository, { mode });
        const reserve = Math.floor(available(folder) / MIB) - room;
        appendFileSync(`${repository}/config`, `min-free-space-size=${reserve}MB\n`);
        const watch = watchFree(folder);
        await withRepository(repository, (open) =>
          assert.rejects(commitTree(open, { sources: [{ kind: "dir", path: `${home}/tree` }] }), isFull),
        );
        const least = await watch.end();
        t.diagnostic(`least free ${(least / MIB).toFixed(1)} MiB, reserve ${reserve} MiB`);
        assert.ok(least > reserve * MIB - MOST_TOUCHED, `${reserve - least / MIB} MiB of the reserve were touched`);
        assert.ok(least < (reserve + 4) * MIB, "what may be written was written");
        judgeByOstree(repository);
        assert.deepEqual(
          readdirSync(`${repository}/tmp`).filter((name) => name !== "cache"),
          [],
        );
      });
    });
  }
}

test(
  "a pull does not touch the reserve either, also where objects unpack to more than they were",
  { timeout: 120_000 },
  async (t) => {
    if (!requires(t, NEEDS)) return;
    const home = makeHome(t);
    // Packs to a hundredth.
    for (let number = 0; number < 40; number++) writeFileSync(`${home}/tree/text${number}`, `${number} text\n`.repeat(300_000));
    initRepository(`${home}/repo`, { mode: "archive" });
    await withLoopFileSystemAsync("ext4", 96, async (folder) => {
      await withRepository(`${home}/repo`, async (source) => {
        await commitTree(source, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] });
        initRepository(`${folder}/repo`, { mode: "bare" });
        const reserve = Math.floor(available(folder) / MIB) - 24;
        appendFileSync(`${folder}/repo/config`, `min-free-space-size=${reserve}MB\n`);
        const watch = watchFree(folder);
        await withRepository(`${folder}/repo`, (open) => assert.rejects(pull(open, repositorySource(source)), isFull));
        const least = await watch.end();
        assert.ok(least > reserve * MIB - MOST_TOUCHED, `${reserve - least / MIB} MiB of the reserve were touched`);
        judgeByOstree(`${folder}/repo`);
      });
    });
  },
);

test("what shares its blocks is not refused for want of room, however large", { timeout: 120_000 }, async (t) => {
  if (!requires(t, { ...NEEDS, programs: [...NEEDS.programs, "mkfs.btrfs"] })) return;
  await withLoopFileSystemAsync("btrfs", 512, async (folder) => {
    mkdirSync(`${folder}/tree`);
    addNoise(`${folder}/tree`, 1, 150 * MIB);
    for (let number = 0; number < 12; number++) writeFileSync(`${folder}/tree/medium${number}`, randomBytes(2 * MIB));
    initRepository(`${folder}/repo`, { mode: "bare" });
    execFileSync("sync", ["-f", folder]);
    // Less than the one, and than the twelve.
    const reserve = Math.floor(available(folder) / MIB) - 16;
    appendFileSync(`${folder}/repo/config`, `min-free-space-size=${reserve}MB\n`);
    await withRepository(`${folder}/repo`, (open) =>
      commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${folder}/tree` }] }),
    );
    judgeByOstree(`${folder}/repo`);
  });
});

/** A process beside this one that looks at the free bytes all the time; `end` tells the least that it saw. */
function watchFree(folder: string): { end: () => Promise<number> } {
  const script = `const { statfsSync } = require("node:fs"); let least = Infinity;
    const look = () => { const { bavail, bsize } = statfsSync(process.argv[1]); least = Math.min(least, bavail * bsize); };
    setInterval(look, 1); process.stdin.on("end", () => { look(); console.log(least); process.exit(0); }).resume();`;
  const child = spawn(process.execPath, ["-e", script, folder], { stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  return {
    end: async () => {
      child.stdin.end();
      await once(child, "close");
      return Number(out);
    },
  };
}

test("a checkout onto a file system that is too small leaves nothing there", { timeout: 120_000 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const home = makeHome(t);
  addNoise(`${home}/tree`, 300, 100_000);
  initRepository(`${home}/repo`, { mode: "archive" });
  await withLoopFileSystemAsync("ext4", 16, async (folder) => {
    await withRepository(`${home}/repo`, async (open) => {
      const { commit } = await commitTree(open, { sources: [{ kind: "dir", path: `${home}/tree` }] });
      await assert.rejects(checkoutCommit(open, commit, `${folder}/out`), isFull);
    });
    assert.deepEqual(readdirSync(folder), ["lost+found"]);
  });
});

test(
  "a repository that is for reading only can be read and compared, and says why it can't be written",
  { timeout: 120_000 },
  async (t) => {
    if (!requires(t, NEEDS)) return;
    const home = makeHome(t);
    await withLoopFileSystemAsync("ext4", 24, async (folder) => {
      const repository = `${folder}/repo`;
      initRepository(repository, { mode: "bare" });
      const { commit } = await withRepository(repository, (open) =>
        commitTree(open, { branch: "main", useCache: false, sources: [{ kind: "dir", path: `${home}/tree` }] }),
      );
      execFileSync("mount", ["-o", "remount,ro", folder]);
      writeFileSync(`${home}/tree/new`, "new\n");
      await withRepository(repository, async (open) => {
        const { changes } = await diffCommitFolder(open, commit, `${home}/tree`);
        assert.ok(changes.some((change) => change.kind === "added" && change.path === "new"));
        await checkoutCommit(open, commit, `${home}/out`);
        await assert.rejects(commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] }), {
          errno: "EROFS",
        });
      });
      assert.ok(statSync(`${home}/out/same`).isFile());
      execFileSync("mount", ["-o", "remount,rw", folder]);
    });
  },
);
