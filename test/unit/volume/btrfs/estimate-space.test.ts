/** What still fits on btrfs, from what the kernel tells of its block groups. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BtrfsSpace, SpaceGroup } from "../../../../src/sys/btrfs/space.ts";
import { estimateSpace } from "../../../../src/volume/btrfs/estimate-space.ts";

const GIB = 2 ** 30;
const data: SpaceGroup = { kind: "data", profile: "single", copies: 1, total: 4 * GIB, used: 3 * GIB };
const metadata: SpaceGroup = { kind: "metadata", profile: "DUP", copies: 2, total: GIB, used: GIB / 4 };
const system: SpaceGroup = { kind: "system", profile: "DUP", copies: 2, total: GIB / 8, used: 0 };

function spaceOf(groups: readonly SpaceGroup[], unallocated: number): BtrfsSpace {
  return { groups, reserve: GIB / 16, deviceBytes: 10 * GIB, unallocated, devices: 1, nodeSize: 16384 };
}

test("what is not allocated yet counts once for data, and half for metadata that is kept twice", () => {
  assert.deepEqual(estimateSpace(spaceOf([data, metadata, system], 2 * GIB)), {
    total: 10 * GIB,
    used: 3.5 * GIB,
    free: 3 * GIB,
    metadataFree: (0.75 - 0.0625 + 1) * GIB,
  });
});

test("metadata can be full while there is room for data", () => {
  const full: SpaceGroup = { ...metadata, used: GIB };
  assert.deepEqual(
    [estimateSpace(spaceOf([data, full], 0)).free, estimateSpace(spaceOf([data, full], 0)).metadataFree],
    [GIB, 0],
  );
});

test("of two profiles the dearer one counts", () => {
  const mirrored: SpaceGroup = { ...data, profile: "RAID1", copies: 2, total: GIB, used: 0 };
  assert.equal(estimateSpace(spaceOf([data, mirrored, metadata], 2 * GIB)).free, 3 * GIB);
});

test("data and metadata in one kind of block group share their room", () => {
  const mixed: SpaceGroup = { kind: "mixed", profile: "DUP", copies: 2, total: GIB, used: GIB / 2 };
  const estimate = estimateSpace(spaceOf([mixed], GIB));
  assert.deepEqual([estimate.used, estimate.free, estimate.metadataFree], [GIB, GIB, undefined]);
});
