/**
 * A tree is committed while others write into it: files grow, shrink, vanish, are replaced by folders, links and FIFOs, and
 * folders go away in mid-walk. The commit comes to an end, tells what was torn or vanished, and what it stored is sound.
 */
import assert from "node:assert/strict";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import type { NoticeEvent, RegrowEvent } from "../../src/base/events.ts";
import { commitTree } from "../../src/store/commit.ts";
import { type RepositoryMode } from "../../src/store/repository-config.ts";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { initRepository, withRepository } from "../../src/store/repository.ts";
import { judgeByOstree } from "../support/repository-judge.ts";
import { times } from "../support/property.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";
import { startChild } from "../support/run-child.ts";

const ROUNDS = process.env["REGROW_LONG"] === "1" ? 60 : 8;
const MIB = 2 ** 20;

/** Does one random thing after the other to the tree until it is killed. */
const WRITER = `
import os, random, shutil, socket, sys
root = sys.argv[1]
folders = [root + "/d%d" % index for index in range(12)]

def clear(file):
    if os.path.isdir(file) and not os.path.islink(file):
        shutil.rmtree(file)
    elif os.path.lexists(file):
        os.unlink(file)

def write(file):
    with open(file, "wb") as out:
        out.write(os.urandom(random.randrange(20000)))

def append(file):
    with open(file, "ab") as out:
        out.write(b"more")

def folder(file):
    clear(file)
    os.mkdir(file)
    write(file + "/inner")

def link(file):
    clear(file)
    # Leads nowhere: what writes through it must not reach a file of this machine.
    os.symlink("/nowhere/at-all", file)

def hard_link(file):
    clear(file)
    os.link(root + "/anchor", file)

def fifo(file):
    clear(file)
    os.mkfifo(file)

def listen(file):
    clear(file)
    server = socket.socket(socket.AF_UNIX)
    server.bind(file)
    server.close()

acts = [write, write, append, lambda file: os.truncate(file, random.randrange(100)), clear, folder, link, hard_link, fifo, listen,
        lambda file: os.rename(file, random.choice(folders) + "/f%d" % random.randrange(40)),
        lambda file: os.chmod(file, 0o600 + random.randrange(64), follow_symlinks=False)]
count = 0
while True:
    here = random.choice(folders)
    count += 1
    try:
        if count % 60 == 0:
            shutil.rmtree(here)
        os.makedirs(here, exist_ok=True)
        file = here + "/f%d" % random.randrange(40)
        act = random.choice(acts)
        # To write into a FIFO would wait for a reader.
        if act not in (write, append) or not os.path.lexists(file) or os.path.isfile(file):
            act(file)
    except (OSError, NotImplementedError):
        pass
    if count % 500 == 0:
        print(count, flush=True)
`;

/** Writes, cuts and extends one large file until it is killed; its content is never the same twice. */
const LARGE_WRITER = `
import fs from "node:fs";
const fd = fs.openSync(process.argv[1], "r+");
const block = Buffer.alloc(65536);
for (let count = 0; ; count++) {
  block.fill(count);
  fs.writeSync(fd, block, 0, block.length, Math.floor(Math.random() * 600) * 65536);
  if (count % 40 === 0) fs.ftruncateSync(fd, (500 + Math.floor(Math.random() * 400)) * 65536);
  if (count % 50 === 0) console.log(count);
}
`;

function makeHome(t: TestContext, mode: RepositoryMode): string {
  const home = mkdtempSync(path.join(os.tmpdir(), "regrow-changing-"));
  t.after(() => rmSync(home, { recursive: true }));
  initRepository(`${home}/repo`, { mode });
  mkdirSync(`${home}/tree`);
  return home;
}

test("a tree in which everything changes", { timeout: times(240_000) }, async (t) => {
  if (!requires(t, { programs: ["ostree", "python3"] })) return;
  const home = makeHome(t, "bare-user");
  closeSync(openSync(`${home}/tree/anchor`, "w"));
  const writer = startChild("python3", ["-c", WRITER, `${home}/tree`]);
  await writer.begun;
  const notices: RegrowEvent[] = [];
  const total = { files: 0, vanished: 0, torn: 0 };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const { counts, commit } = await withRepository(`${home}/repo`, (open) =>
        commitTree(
          open,
          { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] },
          { onEvent: (event) => notices.push(event) },
        ),
      );
      for (const key of ["files", "vanished", "torn"] as const) total[key] += counts[key];
      await withRepository(`${home}/repo`, (open) => checkoutCommit(open, commit, `${home}/out`, { verify: true }));
      rmSync(`${home}/out`, { recursive: true });
    }
  } finally {
    await endAll([writer]);
  }
  judgeByOstree(`${home}/repo`);
  const told = notices.filter((event): event is NoticeEvent => event.kind === "notice");
  t.diagnostic(`${ROUNDS} commits: ${total.files} files, ${total.vanished} vanished, ${total.torn} torn`);
  assert.equal(told.filter(({ code }) => code === "vanished").length, total.vanished);
  assert.equal(told.filter(({ code }) => code === "torn").length, total.torn);
  assert.ok(told.every(({ path: where }) => where !== undefined));
  tally("moving trees", "commit", ROUNDS);
});

for (const mode of ["bare-user", "archive"] as const) {
  test(
    `a file too large for memory that is written, cut and extended all the while, into mode ${mode}`,
    { timeout: times(240_000) },
    async (t) => {
      if (!requires(t, { programs: ["ostree"] })) return;
      const home = makeHome(t, mode);
      const fd = openSync(`${home}/tree/large`, "w");
      writeSync(fd, Buffer.alloc(40 * MIB, 1));
      closeSync(fd);
      const writer = startChild(process.execPath, ["--input-type=module", "-e", LARGE_WRITER, `${home}/tree/large`]);
      await writer.begun;
      let torn = 0;
      try {
        for (let round = 0; round < 2; round++) {
          const { counts } = await withRepository(`${home}/repo`, (open) =>
            commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }] }),
          );
          torn += counts.torn;
        }
        await withRepository(`${home}/repo`, (open) =>
          assert.rejects(commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }], strict: true }), {
            code: "torn",
          }),
        );
      } finally {
        await endAll([writer]);
      }
      assert.equal(torn, 2);
      judgeByOstree(`${home}/repo`);
    },
  );
}

test("two files that are the same and too large for memory", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const home = makeHome(t, "archive");
  for (const name of ["a", "b", "c", "d"]) {
    const fd = openSync(`${home}/tree/${name}`, "w");
    writeSync(fd, Buffer.alloc(33 * MIB, 7));
    closeSync(fd);
  }
  await withRepository(`${home}/repo`, (open) =>
    commitTree(open, { branch: "main", sources: [{ kind: "dir", path: `${home}/tree` }], workers: 4 }),
  );
  judgeByOstree(`${home}/repo`);
});

async function endAll(children: readonly ReturnType<typeof startChild>[]): Promise<void> {
  for (const { process: child } of children) child.kill("SIGKILL");
  for (const { ended } of children) {
    const { stderr } = await ended;
    assert.equal(stderr, "", "the writer itself is sound");
  }
}
