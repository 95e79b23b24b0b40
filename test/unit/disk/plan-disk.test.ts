import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { newIdentities } from "../../../src/disk/identities.ts";
import { type Layout, SIMPLE } from "../../../src/disk/layout.ts";
import { type DiskIdentities, partitionOf, planDisk, smallestDisk } from "../../../src/disk/plan-disk.ts";
import { regionOf } from "../../../src/disk/region.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const IDS: DiskIdentities = {
  disk: "00000000-0000-4000-8000-000000000001",
  partitions: {
    esp: { partition: "00000000-0000-4000-8000-000000000002", fileSystem: "1234-ABCD" },
    root: { partition: "00000000-0000-4000-8000-000000000003", fileSystem: "00000000-0000-4000-8000-000000000004" },
  },
};

test("sizes and where the partitions come to lie, in sectors", () => {
  const table: readonly [size: number, sectorSize: number, esp: [number, number], root: [number, number]][] = [
    [2 * GiB, 512, [2048, 1048576], [1050624, 3141632]],
    [2 * GiB + 511, 512, [2048, 1048576], [1050624, 3141632]],
    [2 * GiB + MiB, 512, [2048, 1048576], [1050624, 3143680]],
    [2 * GiB, 4096, [256, 131072], [131328, 392704]],
    [1026 * MiB, 512, [2048, 1048576], [1050624, 1048576]],
    [16000 * GiB, 512, [2048, 1048576], [1050624, 16000 * 2097152 - 1050624 - 2048]],
  ];
  for (const [size, sectorSize, esp, root] of table) {
    const plan = planDisk(SIMPLE, { size, sectorSize }, IDS);
    const places = plan.partitions.map((partition) => [partition.startSector, partition.sectorCount]);
    assert.deepEqual(places, [esp, root], `${size} bytes, sectors of ${sectorSize}`);
  }
});

test("one step too small is refused, and the hint names a size that is enough", () => {
  assert.equal(smallestDisk(SIMPLE), 1026 * MiB);
  for (const size of [-1, 0, 1, 512 * MiB, 1026 * MiB - 1]) {
    assert.throws(() => planDisk(SIMPLE, { size, sectorSize: 512 }, IDS), { code: "no-space", hint: /1026M/ }, String(size));
  }
});

test("on any disk that is large enough the partitions are aligned, apart, and clear of the table and its copy", () => {
  const sizes = fc.integer({ min: smallestDisk(SIMPLE), max: 2 ** 45 });
  fc.assert(
    fc.property(sizes, fc.constantFrom(512, 4096), (size, sectorSize) => {
      const plan = planDisk(SIMPLE, { size, sectorSize }, IDS);
      let end = MiB;
      for (const partition of plan.partitions) {
        const region = regionOf("/disk", plan, partition);
        assert.equal(region.offset % MiB, 0);
        assert.equal(region.offset, end);
        assert.equal(region.length, partition.fileSystem.bytes);
        end = region.offset + region.length;
      }
      // The copy of the table: 16 kB of entries and a sector.
      assert(end <= size - 16384 - sectorSize);
      assert(end > size - 2 * MiB);
    }),
    { numRuns: 500, verbose: 1 },
  );
});

test("layouts that can't be are refused", () => {
  const [esp, root] = SIMPLE.partitions;
  assert(esp !== undefined && root !== undefined);
  const bad: readonly Layout[] = [
    { name: "rest first", partitions: [root, esp] },
    { name: "twice", partitions: [esp, esp, root] },
    { name: "odd", partitions: [{ ...esp, size: 512 * MiB + 1 }, root] },
    { name: "quote", partitions: [{ ...esp, label: 'a", type=x' }, root] },
  ];
  for (const layout of bad)
    assert.throws(() => planDisk(layout, { size: 4 * GiB, sectorSize: 512 }, IDS), { code: "usage" }, layout.name);
  assert.throws(() => planDisk(SIMPLE, { size: 4 * GiB, sectorSize: 512 }, { ...IDS, partitions: {} }), { code: "usage" });
  assert.throws(() => partitionOf({ ...planDisk(SIMPLE, { size: 4 * GiB, sectorSize: 512 }, IDS), partitions: [] }, "root"), {
    code: "usage",
  });
});

test("new identities are new, and of the form that each file system takes", () => {
  const [a, b] = [newIdentities(SIMPLE), newIdentities(SIMPLE)];
  assert.match(a.partitions.esp!.fileSystem, /^[0-9A-F]{4}-[0-9A-F]{4}$/);
  assert.match(a.partitions.root!.fileSystem, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const all = [a, b].flatMap((ids) => [ids.disk, ...Object.values(ids.partitions).flatMap(Object.values)]);
  assert.equal(new Set(all).size, all.length);
});
