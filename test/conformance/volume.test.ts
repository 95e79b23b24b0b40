/**
 * What every volume driver must do, on real file systems: one list of behaviours, and judges that know nothing of drivers. What a
 * driver's record says that it can't do, it must refuse in so many words.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { bytesOf } from "../../src/base/byte-string.ts";
import { mountUnnamed } from "../../src/sys/mount.ts";
import { openVolume } from "../../src/volume/open-volume.ts";
import { startChild } from "../support/run-child.ts";
import { diskFacts } from "../support/disk-facts.ts";
import { makeNastyTree } from "../support/nasty-tree.ts";
import { run, runText, tryRun } from "../support/programs.ts";
import { seed } from "../support/property.ts";
import { CHANGING_KINDS, carryOut, operations } from "../support/random-tree.ts";
import { requires } from "../support/requires.ts";
import { atEnd, scratchFolder } from "../support/scratch.ts";
import { changeSubvolume, factsOfTree, judgeChanges } from "../support/subvolume-changes.ts";
import {
  FILE_SYSTEMS,
  VOLUME_NEEDS,
  type Volume,
  assertSameTree,
  blocksOf,
  mountVolume,
  namesIn,
  unfinishedOn,
} from "../support/volumes.ts";

const MIB = 2 ** 20;

const BEHAVIOURS: Readonly<Record<string, (volume: Volume, t: TestContext) => Promise<void>>> = {
  "a snapshot is the tree at its time, and a clone one to write to": async (volume) => {
    const { driver, place, at } = volume;
    const live = volume.makeTree("live");
    const parts = { root: true, odd: true, nodes: true, flags: true, oddtarget: true, emptyxattr: true };
    makeNastyTree(`${live}/nasty`, { ...parts, nocow: volume.kind === "btrfs", bigxattr: volume.kind !== "ext4", deep: 300 });
    run("sh", ["-c", `cd '${live}'; setfacl -m u:1234:rwx,d:u:77:r . nasty; chown 5:6 .; chmod 2751 .; touch -d @1234567.123 .`]);
    const copy = at("copy");
    run("rsync", ["-aHAX", "--modify-window=-1", `${live}/`, `${copy}/`]);
    const facts = diskFacts(live);
    await driver.snapshot(place("live"), place("snapshot"));
    await driver.clone(place("snapshot"), place("clone"));
    assertSameTree(live, at("snapshot"), "snapshot");
    assertSameTree(live, at("clone"), "clone");
    tryRun("chattr", ["-R", "-f", "-ia", live, at("clone"), copy]);
    run("sh", ["-c", `find '${live}' -type f -exec sh -c 'echo more >> "$1"' - {} \\;; rm -r '${live}'/nasty/[a-m]*`]);
    writeFileSync(`${at("clone")}/own`, "own");
    assert.equal(runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", `${copy}/`, `${at("snapshot")}/`]), "");
    assert.deepEqual(diskFacts(at("snapshot")), facts);
    await assert.rejects(driver.snapshot(place("live"), place("clone")), { code: "exists" });
    await assert.rejects(driver.snapshot(place("nowhere"), place("new")), { code: "not-found" });
    run("rm", ["-r", copy]);
    assert.deepEqual(namesIn(driver, volume.fd), ["clone", "live", "snapshot"]);
    for (const name of ["snapshot", "clone", "live"]) await driver.remove(place(name));
    assert.deepEqual(
      readdirSync(volume.folder).filter((name) => name !== "lost+found"),
      [],
    );
  },

  "blocks are shared as the record says": async ({ driver, place, at, makeTree }) => {
    writeFileSync(`${makeTree("live")}/file`, randomBytes(4 * MIB));
    await driver.snapshot(place("live"), place("snapshot"));
    await driver.clone(place("snapshot"), place("clone"));
    const blocks = blocksOf(at("live/file"));
    assert.ok(blocks.length > 0);
    for (const name of ["snapshot", "clone"]) {
      if (driver.capabilities.sharing === "none") assert.notDeepEqual(blocksOf(at(`${name}/file`)), blocks, name);
      else assert.deepEqual(blocksOf(at(`${name}/file`)), blocks, name);
    }
    run("sh", ["-c", `printf x | dd of='${at("clone/file")}' bs=1 conv=notrunc status=none`]);
    assert.ok(readFileSync(at("snapshot/file")).equals(readFileSync(at("live/file"))));
  },

  "a sealed snapshot can't be written to": async ({ driver, place, at, makeTree, fd }) => {
    writeFileSync(`${makeTree("live")}/file`, "x");
    await driver.snapshot(place("live"), place("snapshot"));
    const isSealed = tryRun("touch", [at("snapshot/file")]).status !== 0;
    assert.equal(isSealed, driver.capabilities.sealed);
    if (isSealed)
      assert.deepEqual(
        driver.list(fd).map(({ isReadOnly }) => isReadOnly),
        [false, true],
      );
  },

  "a tree is built aside and named when it is whole": async (volume) => {
    const { driver, place, at, makeTree } = volume;
    writeFileSync(`${makeTree("live")}/file`, "x");
    run("setfacl", ["-m", "d:u:1234:rwx", volume.folder]);
    const seen = await driver.build(place("new"), undefined, async (fd) => {
      assert.deepEqual(readdirSync(`/proc/self/fd/${fd}`), []);
      assert.equal(existsSync(at("new")), false);
      writeFileSync(`/proc/self/fd/${fd}/made`, "made");
      return 7;
    });
    assert.equal(seen, 7);
    assert.equal(readFileSync(at("new/made"), "utf8"), "made");
    assert.equal(diskFacts(at("new")).get("")!.mode, "0o700");
    assert.deepEqual(diskFacts(at("new")).get("")!.xattrs, {});
    await driver.build(place("grown"), place("live"), async (fd) => appendFileSync(`/proc/self/fd/${fd}/file`, "y"));
    assert.equal(readFileSync(at("grown/file"), "utf8") + readFileSync(at("live/file"), "utf8"), "xyx");
    const failed = driver.build(place("no"), place("live"), async () => {
      throw new Error("no");
    });
    await assert.rejects(failed, /^Error: no$/);
    assert.equal(existsSync(at("no")), false);
    assert.equal(unfinishedOn(volume), "");
  },

  "two names are exchanged, and both always exist": async ({ driver, place, at, makeTree, folder }, t) => {
    for (const name of ["a", "b"]) writeFileSync(`${makeTree(name)}/name`, name);
    const watcher = `import os, sys
seen = 0; missing = 0; print("on", flush=True)
while not os.path.exists("stop"):
    for name in ("a/name", "b/name"):
        seen += 1
        try: os.stat(name)
        except FileNotFoundError: missing += 1
print(seen, missing)`;
    const child = startChild("sh", ["-c", `cd '${folder}' && exec python3 -c '${watcher}'`]);
    await child.begun;
    for (let round = 0; round < 51; round++) {
      driver.exchange(place("a"), place("b"));
      await new Promise((resolve) => setImmediate(resolve));
    }
    writeFileSync(at("stop"), "");
    const [seen, missing] = (await child.ended).stdout.trim().split("\n").at(-1)!.split(" ").map(Number) as [number, number];
    t.diagnostic(`${seen} looks during 51 exchanges`);
    assert.ok(seen > 51);
    assert.equal(missing, 0);
    assert.equal(readFileSync(at("a/name"), "utf8"), "b");
    assert.throws(() => driver.exchange(place("a"), place("nowhere")), { code: "not-found" });
  },

  "a tree goes with all in it": async (volume) => {
    const { driver, place, at, makeTree } = volume;
    const live = makeTree("live");
    mkdirSync(`${live}/folder/deep`, { recursive: true });
    writeFileSync(`${live}/folder/file`, "x");
    run("ln", [`${live}/folder/file`, `${live}/linked`]);
    if (driver.capabilities.nested) {
      run("btrfs", ["-q", "subvolume", "create", `${live}/folder/deep/nested`]);
      run("btrfs", ["-q", "subvolume", "create", `${live}/folder/deep/nested/inner`]);
      run("btrfs", ["-q", "subvolume", "snapshot", "-r", live, `${live}/folder/deep/nested/inner/snapshot`]);
      for (const path of ["folder/deep/nested/inner", "folder/deep/nested", ""])
        run("btrfs", ["property", "set", "-ts", `${live}/${path}`, "ro", "true"]);
    } else {
      run("chattr", ["+i", `${live}/folder/file`, `${live}/folder/deep`, `${live}/folder`, live]);
    }
    await driver.remove(place("live"));
    assert.equal(existsSync(at("live")), false);
    if (driver.capabilities.nested) assert.equal(runText("btrfs", ["subvolume", "list", volume.folder]), "");
    await driver.remove(place("live"));
    assert.equal(unfinishedOn(volume), "");
    // What links lead to stays.
    mkdirSync(at("kept"));
    writeFileSync(at("kept/file"), "kept");
    run("ln", ["-s", at("kept"), `${makeTree("other")}/link`]);
    await driver.remove(place("other"));
    assert.equal(readFileSync(at("kept/file"), "utf8"), "kept");
  },

  "what is mounted in a tree is no part of it, and keeps it from being removed": async ({ driver, place, at, makeTree }) => {
    const live = makeTree("live");
    mkdirSync(`${live}/folder/mount point`, { recursive: true });
    writeFileSync(`${live}/file`, "x");
    run("mount", ["-t", "tmpfs", "none", `${live}/folder/mount point`]);
    try {
      writeFileSync(`${live}/folder/mount point/somebody`, "else's");
      await driver.snapshot(place("live"), place("snapshot"));
      assert.deepEqual(readdirSync(at("snapshot/folder/mount point")), []);
      await assert.rejects(driver.remove(place("live")), { code: "refused", message: /mount point/ });
      assert.equal(readFileSync(`${live}/folder/mount point/somebody`, "utf8"), "else's");
      assert.equal(readFileSync(`${live}/file`, "utf8"), "x");
    } finally {
      run("umount", [`${live}/folder/mount point`]);
    }
    await driver.remove(place("live"));
    assert.equal(existsSync(live), false);
  },

  "space is what the file system tells": async (volume) => {
    const { driver, fd, kind } = volume;
    const before = driver.space(fd);
    writeFileSync(`${volume.makeTree("live")}/file`, randomBytes(40 * MIB));
    driver.flush(fd);
    const after = driver.space(fd);
    assert.equal(after.total, before.total);
    assert.ok(Math.abs(after.used - before.used - 40 * MIB) < 2 * MIB, `${after.used - before.used}`);
    assert.ok(Math.abs(before.free - after.free - 40 * MIB) < 2 * MIB, `${before.free - after.free}`);
    if (kind !== "btrfs") {
      const [size, avail] = runText("df", ["-B1", "--output=size,avail", volume.folder])
        .split("\n")[1]!
        .trim()
        .split(/ +/)
        .map(Number);
      assert.deepEqual([after.total, after.free], [size, avail]);
      return;
    }
    const usage = runText("btrfs", ["filesystem", "usage", "-b", volume.folder]);
    assert.equal(`${after.total}`, /Device size:\s+(\d+)/.exec(usage)![1]);
    assert.equal(`${after.used}`, /Used:\s+(\d+)/.exec(usage)![1]);
    assert.equal(`${after.free}`, /Free \(estimated\):\s+(\d+)/.exec(usage)![1]);
    assert.ok(after.metadataFree! > 0 && after.metadataFree! < after.total);
  },

  "snapshots are sent and received, whole or as changes": async (volume, t) => {
    const { driver, place, at, makeTree } = volume;
    const live = makeTree("live");
    makeNastyTree(`${live}/nasty`, { root: true, odd: true, nodes: true });
    await driver.snapshot(place("live"), place("one"));
    writeFileSync(`${live}/nasty/new`, randomBytes(MIB));
    await driver.snapshot(place("live"), place("two"));
    const [full, changed] = [`${scratchFolder(t)}/full`, `${scratchFolder(t)}/changed`];
    const sendTo = async (path: string, name: string, parent?: string): Promise<number> => {
      const out = openSync(path, "w");
      try {
        return await driver.send(place(name), { fd: out, parent: parent === undefined ? undefined : place(parent) });
      } finally {
        closeSync(out);
      }
    };
    const received = (path: string, name: string): Promise<void> => driver.receive(pieces(readFileSync(path)), place(name));
    if (!driver.capabilities.streams) {
      await assert.rejects(sendTo(full, "one"), { code: "unsupported" });
      await assert.rejects(driver.receive(pieces(Buffer.alloc(3)), place("x")), { code: "unsupported" });
      return;
    }
    const bytes = await sendTo(full, "one");
    assert.equal(readFileSync(full).length, bytes);
    const small = await sendTo(changed, "two", "one");
    assert.ok(small > MIB && small < 1.2 * MIB, `${small}`);
    await received(full, "got-one");
    await received(changed, "got-two");
    assert.equal(runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", `${at("one")}/`, `${at("got-one")}/`]), "");
    // An incremental stream leaves the root another time, whoever receives it.
    const differences = runText("rsync", ["-aHAXnic", "--delete", "--modify-window=-1", `${at("two")}/`, `${at("got-two")}/`]);
    assert.ok(["", ".d..t...... ./"].includes(differences), differences);
    assert.deepEqual(
      driver.list(volume.fd).map(({ isReadOnly }) => isReadOnly),
      [true, true, false, true, true],
    );
    const cut = readFileSync(full);
    for (const damaged of [
      cut.subarray(0, cut.length / 2),
      cut.subarray(0, -20),
      Buffer.concat([cut, cut]),
      Buffer.from("what?"),
    ])
      await assert.rejects(driver.receive(pieces(damaged), place("bad")), /stream/i);
    await assert.rejects(received(full, "got-one"), { code: "exists" });
    const names = runText("btrfs", ["subvolume", "list", volume.folder])
      .split("\n")
      .map((line) => line.split(" ").at(-1)!);
    assert.deepEqual(names.toSorted(), ["got-one", "got-two", "live", "one", "two"]);
    await assert.rejects(sendTo(full, "live"), { code: "unsupported" });
  },

  "what changed between two snapshots is told": async (volume, t) => {
    const { driver, place, at, makeTree } = volume;
    const live = makeTree("live");
    const counts = new Map<string, number>();
    const streams = driver.capabilities.changes === "stream";
    const change = (salt: number, count: number): void => {
      if (streams) return changeSubvolume(live, salt, count, counts);
      const lengths = { minLength: count, maxLength: count };
      carryOut(live, fc.sample(operations(CHANGING_KINDS, lengths), { seed: seed + salt, numRuns: 1 })[0]!, counts);
    };
    change(6000, 150);
    await driver.snapshot(place("live"), place("0"));
    let told = 0;
    for (let round = 1; round <= 3; round++) {
      change(6000 + round, 40);
      await driver.snapshot(place("live"), place(`${round}`));
      const { changes, touched } = await driver.changes(place(`${round - 1}`), place(`${round}`));
      told += changes.length;
      if (streams) {
        const judged = judgeChanges(factsOfTree(at(`${round - 1}`)), factsOfTree(at(`${round}`)), changes, touched);
        assert.deepEqual([judged.missed, judged.unexplained], [[], []]);
      } else assert.deepEqual(tellByPath(changes), differencesOf(at(`${round - 1}`), at(`${round}`)));
    }
    t.diagnostic(`seed ${seed} (FC_SEED), ${told} changes told`);
    assert.deepEqual((await driver.changes(place("3"), place("3"))).changes, []);
  },

  "a full file system is told, and nothing is left": async (volume) => {
    const { driver, fd, place, at, makeTree } = volume;
    const live = makeTree("live");
    const size = driver.capabilities.sharing === "none" ? 350 : 4;
    for (let number = 0; number < size; number++) writeFileSync(`${live}/${number}`, randomBytes(MIB));
    const fill = async (): Promise<void> => {
      await driver.build(place("filling"), undefined, async (rootFd) => {
        for (let number = 0; ; number++) writeFileSync(`/proc/self/fd/${rootFd}/${number}`, randomBytes(8 * MIB));
      });
    };
    // Writing says so itself, by node's own error.
    await assert.rejects(fill, /ENOSPC/);
    if (driver.capabilities.sharing === "none") {
      await assert.rejects(driver.snapshot(place("live"), place("snapshot")), { code: "no-space", exitCode: 13 });
    }
    if (driver.capabilities.streams) {
      await driver.snapshot(place("live"), place("snapshot"));
      const stream = execFileSync("btrfs", ["send", "-q", at("snapshot")], { maxBuffer: 2 ** 30 });
      tryRun("dd", ["if=/dev/urandom", `of=${at("ballast")}`, "bs=1M"]);
      await assert.rejects(driver.receive(pieces(stream), place("got")), { code: "no-space", exitCode: 13 });
      rmSync(at("ballast"));
      await driver.remove(place("snapshot"));
    }
    driver.flush(fd);
    assert.equal(unfinishedOn(volume), "");
    assert.deepEqual(namesIn(driver, fd), ["live"]);
  },

  "who cancels leaves nothing behind": async (volume) => {
    const { driver, fd, place, makeTree } = volume;
    const live = makeTree("live");
    for (let number = 0; number < 1500; number++) writeFileSync(`${live}/${number}`, "x");
    const signal = AbortSignal.abort();
    await assert.rejects(driver.snapshot(place("live"), place("x"), { signal }), { code: "cancelled" });
    await assert.rejects(driver.remove(place("live"), { signal }), { code: "cancelled" });
    const during = new AbortController();
    const observer = { signal: during.signal, onEvent: () => during.abort() };
    if (driver.capabilities.snapshots === "copy")
      await assert.rejects(driver.snapshot(place("live"), place("x"), observer), { code: "cancelled" });
    const built = driver.build(place("x"), place("live"), async () => during.abort(), { signal: during.signal });
    await assert.rejects(built, { code: "cancelled" });
    if (driver.capabilities.streams) {
      const control = new AbortController();
      await driver.snapshot(place("live"), place("snapshot"));
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        yield execFileSync("btrfs", ["send", "-q", `${volume.folder}/snapshot`]).subarray(0, 5000);
        setTimeout(() => control.abort(), 50);
        await new Promise(() => {});
      };
      await assert.rejects(driver.receive(endless(), place("x"), { signal: control.signal }), { code: "cancelled" });
      await driver.remove(place("snapshot"));
    }
    assert.equal(unfinishedOn(volume), "");
    assert.deepEqual(namesIn(driver, fd), ["live"]);
  },
};

for (const kind of FILE_SYSTEMS) {
  for (const [behaviour, judge] of Object.entries(BEHAVIOURS)) {
    test(`${kind}: ${behaviour}`, { timeout: 120_000 }, async (t) => {
      if (!requires(t, VOLUME_NEEDS)) return;
      const volume = mountVolume(t, kind, 600);
      await judge(volume, t);
      if (kind === "btrfs") checkBtrfs(volume.folder);
    });
  }
}

test("a driver needs no path", { timeout: 120_000 }, async (t) => {
  if (!requires(t, VOLUME_NEEDS)) return;
  for (const kind of ["btrfs", "ext4"] as const) {
    const image = `${scratchFolder(t)}/image`;
    run("truncate", ["-s", "600M", image]);
    run(`mkfs.${kind}`, ["-q", image]);
    const device = runText("losetup", ["-f", "--show", image]);
    atEnd(t, () => run("losetup", ["-d", device]));
    const mount = mountUnnamed({ type: kind, source: device });
    try {
      const driver = openVolume(mount.fd);
      const place = (name: string): { folderFd: number; name: ReturnType<typeof bytesOf> } => ({
        folderFd: mount.fd,
        name: bytesOf(name),
      });
      const content = randomBytes(MIB);
      await driver.build(place("one"), undefined, async (fd) => writeFileSync(`/proc/self/fd/${fd}/file`, content));
      await driver.build(place("two"), place("one"), async (fd) => writeFileSync(`/proc/self/fd/${fd}/new`, "x"));
      await driver.clone(place("two"), place("three"));
      assert.ok(readFileSync(`/proc/self/fd/${mount.fd}/three/file`).equals(content));
      const { changes } = await driver.changes(place("one"), place("two"));
      assert.deepEqual(
        changes.map((change) => `${change.kind} ${change.path}`),
        ["modified ", "added new"],
      );
      await driver.remove(place("one"));
      if (driver.capabilities.streams) {
        const path = `${scratchFolder(t)}/stream`;
        const out = openSync(path, "w");
        assert.ok((await driver.send(place("two"), { fd: out })) > MIB);
        closeSync(out);
        await assert.rejects(driver.receive(pieces(readFileSync(path)), place("four")), { code: "unsupported" });
      }
      assert.deepEqual(namesIn(driver, mount.fd), ["three", "two"]);
    } finally {
      mount.unmount();
    }
  }
});

async function* pieces(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 10_000) yield data.subarray(at, at + 10_000);
}

function checkBtrfs(mounted: string): void {
  const device = runText("findmnt", ["-n", "-o", "SOURCE", mounted]);
  run("sync", ["-f", mounted]);
  const { status, stderr } = tryRun("btrfs", ["check", "--force", "--readonly", device]);
  assert.equal(status, 0, stderr);
}

/** `added`, `removed` and `modified` paths by an independent look at both trees. */
function differencesOf(before: string, after: string): string[] {
  const [a, b] = [diskFacts(before), diskFacts(after)];
  const found: string[] = [];
  const isOther = (path: string): boolean =>
    (["type", "target", "device"] as const).some((key) => a.get(path)![key] !== b.get(path)![key]);
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    if (!b.has(path)) found.push(`removed ${path}`);
    else if (!a.has(path)) found.push(`added ${path}`);
    else if (isOther(path)) found.push(`removed ${path}`, `added ${path}`);
    else {
      const [{ holes: _, same: __, ...x }, { holes: ___, same: ____, ...y }] = [a.get(path)!, b.get(path)!];
      if (JSON.stringify(x) !== JSON.stringify(y)) found.push(`modified ${path}`);
    }
  }
  return found.toSorted();
}

function tellByPath(changes: readonly { readonly kind: string; readonly path: string }[]): string[] {
  return changes.map(({ kind, path }) => `${kind} ${path}`).toSorted();
}
