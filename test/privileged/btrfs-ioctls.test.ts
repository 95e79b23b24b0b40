/** btrfs by ioctl, judged by what the real `btrfs` says of the same file system. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { bytesOf } from "../../src/base/byte-string.ts";
import { defaultSubvolume, listSubvolumes, pathOfSubvolume, subvolumeIdOf } from "../../src/sys/btrfs/list-subvolumes.ts";
import { sendSubvolume } from "../../src/sys/btrfs/send.ts";
import { btrfsSpace } from "../../src/sys/btrfs/space.ts";
import {
  createSnapshot,
  createSubvolume,
  destroySubvolume,
  destroySubvolumeById,
  isReadOnlySubvolume,
  setDefaultSubvolume,
  setSubvolumeReadOnly,
  syncBtrfs,
} from "../../src/sys/btrfs/subvolumes.ts";
import { CWD, O, closeFd, openAt } from "../../src/sys/open.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem } from "../support/scratch.ts";

const NEEDS = { root: true, programs: ["btrfs", "mkfs.btrfs", "mount"], filesystems: ["btrfs"] };

function withFolder<T>(path: string, work: (fd: number) => T): T {
  const fd = openAt(CWD, bytesOf(path), O.RDONLY | O.DIRECTORY);
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

/** What `btrfs subvolume list` tells, a line for each. */
function listed(mounted: string): string[] {
  const lines = runText("btrfs", ["subvolume", "list", "-p", "-q", "-u", "-R", mounted]).split("\n");
  return lines.filter((line) => line !== "").toSorted();
}

function ours(mounted: string): string[] {
  const uuid = (id: string | undefined): string =>
    id === undefined ? "-".padEnd(36) : id.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  const list = withFolder(mounted, listSubvolumes);
  const generations = new Map(listed(mounted).map((line) => [line.split(" ")[1], / gen (\d+) /.exec(line)![1]]));
  return list
    .map((one) => {
      const { id, parentId, path, parentUuid, receivedUuid } = one;
      const gen = generations.get(`${id}`);
      const top = `parent ${parentId} top level ${parentId}`;
      return `ID ${id} gen ${gen} ${top} parent_uuid ${uuid(parentUuid)} received_uuid ${uuid(receivedUuid)} uuid ${uuid(one.uuid)} path ${path}`;
    })
    .toSorted();
}

test("subvolumes are made, marked, listed and removed as btrfs sees it", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 400);
  withFolder(mounted, (fd) => createSubvolume(fd, bytesOf("live")));
  mkdirSync(`${mounted}/live/deep/folder`, { recursive: true });
  withFolder(`${mounted}/live/deep/folder`, (fd) => createSubvolume(fd, bytesOf("nested")));
  writeFileSync(`${mounted}/live/file`, "content");
  withFolder(`${mounted}/live`, (source) =>
    withFolder(mounted, (fd) => {
      createSnapshot(source, fd, bytesOf("fixed"), { readOnly: true });
      createSnapshot(source, fd, bytesOf("free"), { readOnly: false });
      assert.throws(() => createSnapshot(source, fd, bytesOf("free"), { readOnly: false }), { code: "exists" });
      assert.throws(() => createSubvolume(fd, bytesOf("a/b")), { code: "hostile" });
    }),
  );
  // Enough of them for several searches.
  withFolder(mounted, (fd) => {
    for (let number = 0; number < 400; number++) createSubvolume(fd, bytesOf(`many-${number}-${"x".repeat(60)}`));
  });
  const pieces: Buffer[] = [];
  const fixed = openAt(CWD, bytesOf(`${mounted}/fixed`), O.RDONLY | O.DIRECTORY);
  for await (const piece of sendSubvolume({ sourceFd: fixed, withData: true, version: 1 })) pieces.push(piece);
  closeFd(fixed);
  mkdirSync(`${mounted}/received`);
  run("btrfs", ["-q", "receive", `${mounted}/received`], { input: Buffer.concat(pieces) });
  assert.equal(readFileSync(`${mounted}/received/fixed/file`, "utf8"), "content");
  assert.deepEqual(ours(mounted), listed(mounted));
  assert.equal(listed(mounted).length, 405);

  assert.match(runText("btrfs", ["subvolume", "show", `${mounted}/fixed`]), /Flags:\s+readonly/);
  withFolder(`${mounted}/fixed`, (fd) => {
    assert.equal(isReadOnlySubvolume(fd), true);
    setSubvolumeReadOnly(fd, false);
  });
  assert.match(runText("btrfs", ["subvolume", "show", `${mounted}/fixed`]), /Flags:\s+-/);
  const id = withFolder(`${mounted}/live/deep/folder/nested`, subvolumeIdOf);
  assert.match(runText("btrfs", ["inspect-internal", "rootid", `${mounted}/live/deep/folder/nested`]), new RegExp(`^${id}$`));
  withFolder(mounted, (fd) => {
    assert.equal(pathOfSubvolume(fd, id), "live/deep/folder/nested");
    assert.throws(() => pathOfSubvolume(fd, 99_999n), { code: "not-found" });
    assert.equal(defaultSubvolume(fd), 5n);
    setDefaultSubvolume(fd, id);
    assert.equal(defaultSubvolume(fd), id);
    assert.match(runText("btrfs", ["subvolume", "get-default", mounted]), new RegExp(`^ID ${id} `));
    setDefaultSubvolume(fd, 5n);
    assert.match(runText("btrfs", ["subvolume", "get-default", mounted]), /^ID 5 /);
    assert.throws(() => destroySubvolume(fd, bytesOf("live")), { errno: "ENOTEMPTY" });
    destroySubvolumeById(fd, id);
    destroySubvolume(fd, bytesOf("live"));
    syncBtrfs(fd);
  });
  assert.deepEqual(ours(mounted), listed(mounted));
  assert.equal(listed(mounted).length, 403);
});

test("space is told as btrfs tells it", (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 400);
  writeFileSync(`${mounted}/file`, Buffer.alloc(20 * 2 ** 20, "x"));
  run("sync", ["-f", mounted]);
  const space = withFolder(mounted, btrfsSpace);
  const usage = runText("btrfs", ["filesystem", "usage", "-b", mounted]);
  const told = runText("btrfs", ["filesystem", "df", "-b", mounted])
    .split("\n")
    .filter((line) => !line.startsWith("GlobalReserve"));
  const lines = space.groups.map(
    ({ kind, profile, total, used }) => `${kind[0]!.toUpperCase()}${kind.slice(1)}, ${profile}: total=${total}, used=${used}`,
  );
  assert.deepEqual(lines.toSorted(), told.toSorted());
  assert.equal(`${space.deviceBytes}`, /Device size:\s+(\d+)/.exec(usage)![1]);
  assert.equal(`${space.unallocated}`, /Device unallocated:\s+(\d+)/.exec(usage)![1]);
  assert.equal(`${space.reserve}`, /Global reserve:\s+(\d+)/.exec(usage)![1]);
  assert.equal(space.groups.find(({ kind }) => kind === "metadata")?.copies, 2);
});

test("a stream that nobody reads to its end stops the sender", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 400);
  run("btrfs", ["-q", "subvolume", "create", `${mounted}/live`]);
  writeFileSync(`${mounted}/live/file`, Buffer.alloc(20 * 2 ** 20, "x"));
  const sourceFd = openAt(CWD, bytesOf(`${mounted}/live`), O.RDONLY | O.DIRECTORY);
  t.after(() => closeFd(sourceFd));
  const request = { sourceFd, withData: true, version: 1 };
  await assert.rejects(async () => sendSubvolume(request).next(), { code: "unsupported" });
  setSubvolumeReadOnly(sourceFd, true);
  for await (const piece of sendSubvolume(request)) {
    assert.ok(piece.length > 0);
    break;
  }
  const control = new AbortController();
  await assert.rejects(
    async () => {
      for await (const piece of sendSubvolume({ ...request, signal: control.signal })) if (piece.length > 0) control.abort();
    },
    { code: "cancelled" },
  );
  setSubvolumeReadOnly(sourceFd, false);
});
