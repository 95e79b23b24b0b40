/** What streams are unpacked to, on ext4 and on btrfs, against what `btrfs receive` makes of them; rsync compares. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { type UnpackOptions, type UnpackedSubvolume, unpackStreams } from "../../src/volume/btrfs/unpack/unpack-streams.ts";
import { damagedCopies } from "../support/damage.ts";
import { seed, times } from "../support/property.ts";
import { run, runText } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { mountedFileSystem, scratchFolder } from "../support/scratch.ts";
import { partsOf } from "../support/send-streams.ts";
import { changeSubvolume } from "../support/subvolume-changes.ts";

const NEEDS = {
  root: true,
  programs: ["btrfs", "mkfs.btrfs", "mount", "python3", "rsync", "setfacl", "fallocate"],
  filesystems: ["btrfs"],
};
const COMPRESSIONS = ["zstd", "zlib", "lzo"];

for (const place of ["ext4", "btrfs"] as const) {
  test(`streams unpacked on ${place} are what btrfs receives`, { timeout: 600_000 }, async (t) => {
    if (!requires(t, place === "ext4" ? { ...NEEDS, programs: [...NEEDS.programs, "mkfs.ext4"] } : NEEDS)) return;
    const sender = mountedFileSystem(t, "btrfs", 1500);
    const receiver = mountedFileSystem(t, "btrfs", 1500);
    const target = mountedFileSystem(t, place, 1500);
    const stream = `${scratchFolder(t)}/stream`;
    const folder = `${sender}/live`;
    run("btrfs", ["-q", "subvolume", "create", folder]);
    run("sh", ["-c", `seq 100000 > "$0/kept"`, sender]);
    const kinds = new Map<string, number>();
    const bases = new Map<string, string>();
    const counts = new Map<string, number>();
    let streams = 0;
    let before: string | undefined;
    for (let round = 0; round < times(6); round++) {
      run("mount", ["-o", `remount,compress-force=${COMPRESSIONS[round % 3]}`, sender]);
      changeSubvolume(folder, 500 + round, round === 0 ? 200 : 80, counts);
      run("sh", ["-c", `for n in 1 2 3; do seq ${round} 7 $((20000 * n)) > "$0/packed-${round}-$n"; done`, folder]);
      // A program: of all that is at hand the most varied bytes for the compressions.
      run("dd", [
        "status=none",
        `if=${process.execPath}`,
        `of=${folder}/binary-${round}`,
        "bs=1M",
        "count=2",
        `skip=${10 + 10 * round}`,
      ]);
      // Copies share blocks with a file of this state, and with what may be left of the same copy in the state before.
      run("cp", ["--reflink=always", `${folder}/packed-${round}-3`, `${folder}/again-${round}`]);
      run("cp", ["--reflink=always", `${sender}/kept`, `${folder}/reflinked-${round}`]);
      const after = `${sender}/state ${round}`;
      run("btrfs", ["-q", "subvolume", "snapshot", "-r", folder, after]);
      run("fallocate", ["-p", "-o", "4096", "-l", "8192", `${folder}/packed-${round}-2`]);
      for (const [index, form] of FORMS.entries()) {
        const parent = before === undefined ? [] : ["-p", before];
        run("btrfs", ["-q", "send", "-f", stream, ...form, ...parent, after]);
        for (const { kind } of partsOf(readFileSync(stream))) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        for (const folder of [`${receiver}/${index}`, `${target}/${index}`]) mkdirSync(folder, { recursive: true });
        run("btrfs", ["-q", "receive", "-f", stream, `${receiver}/${index}`]);
        const known: UnpackOptions = { findBase: (uuid, ctransid) => bases.get(`${index} ${uuid} ${ctransid}`) };
        const [unpacked, ...others] = await unpackStreams(chunksOf(readFileSync(stream)), `${target}/${index}`, known);
        assert.deepEqual(others, []);
        bases.set(`${index} ${unpacked!.uuid} ${unpacked!.ctransid}`, `${target}/${index}/state ${round}`);
        const where = `seed ${seed} (FC_SEED), round ${round}, ${form.join(" ")}`;
        assert.equal(differences(`${receiver}/${index}/state ${round}`, `${target}/${index}/state ${round}`), "", where);
        // Nothing builds on what is older than the state before.
        rmSync(`${target}/${index}/state ${round - 1}`, { recursive: true, force: true });
        if (round > 0) run("btrfs", ["-q", "subvolume", "delete", `${receiver}/${index}/state ${round - 1}`]);
        streams++;
      }
      before = after;
    }
    t.diagnostic(
      `seed ${seed} (FC_SEED), ${streams} streams: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    );
    for (const kind of [
      "clone",
      "encoded-write",
      "fallocate",
      "fileattr",
      "rename",
      "mksock",
      "mknod",
      "link",
      "set-xattr",
      "rmdir",
    ]) {
      assert.ok((kinds.get(kind) ?? 0) > 0, `no ${kind}`);
    }
  });
}

const FORMS: readonly (readonly string[])[] = [[], ["--proto", "2"], ["--compressed-data"]];

test("several subvolumes at once, and what stands in the way", async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 500);
  const { stream, before, after } = smallStreams(mounted, t);
  const forms = [
    [[before, after]],
    [["-e", before, after]],
    [["-e", "--proto", "2", before, after]],
    [[before], ["-p", before, after]],
  ];
  for (const form of forms) {
    const streams = form.map((options) => {
      run("btrfs", ["-q", "send", "-f", stream, ...options]);
      return readFileSync(stream);
    });
    writeFileSync(stream, Buffer.concat(streams));
    const target = scratchFolder(t);
    const unpacked = await unpackStreams(chunksOf(readFileSync(stream)), target);
    assert.deepEqual(namesOf(unpacked), ["before", "after"]);
    assert.deepEqual(readdirSync(target).toSorted(), ["after", "before"]);
    for (const name of ["before", "after"]) assert.equal(differences(`${mounted}/${name}`, `${target}/${name}`), "");
    await assert.rejects(unpackStreams(chunksOf(readFileSync(stream)), target), { code: "exists" });
    assert.deepEqual(readdirSync(target).toSorted(), ["after", "before"]);
  }
  const target = scratchFolder(t);
  run("btrfs", ["-q", "send", "-f", stream, "-p", before, after]);
  await assert.rejects(unpackStreams(chunksOf(readFileSync(stream)), target), { code: "not-found" });
  run("btrfs", ["-q", "send", "-f", stream, "--no-data", after]);
  await assert.rejects(unpackStreams(chunksOf(readFileSync(stream)), target), { code: "unsupported" });
  await assert.rejects(unpackStreams(chunksOf(readFileSync(stream)), target, { signal: AbortSignal.abort() }), {
    code: "cancelled",
  });
  assert.deepEqual(readdirSync(target), []);
});

test("a damaged stream leaves nothing", { timeout: 300_000 }, async (t) => {
  if (!requires(t, NEEDS)) return;
  const mounted = mountedFileSystem(t, "btrfs", 500);
  const { stream, before, after } = smallStreams(mounted, t);
  const target = scratchFolder(t);
  const outcomes = new Map<string, number>();
  run("btrfs", ["-q", "send", "-f", stream, before, after]);
  const data = readFileSync(stream);
  for (const damaged of damagedCopies(data, times(120), 3)) {
    if (damaged.data.equals(data)) continue;
    const outcome = await unpackStreams(chunksOf(damaged.data), target).then(
      () => "unpacked",
      (error: { code: string }) => error.code,
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    assert.ok(
      ["corrupt", "unsupported", "hostile", "exists", "not-found", "system"].includes(outcome),
      `${damaged.what}: ${outcome}`,
    );
    assert.deepEqual(readdirSync(target), [], damaged.what);
  }
  t.diagnostic(`seed ${seed} (FC_SEED), ${[...outcomes].map(([code, count]) => `${code} ${count}`).join(", ")}`);
});

async function* chunksOf(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 50_000) yield data.subarray(at, at + 50_000);
}

function namesOf(unpacked: readonly UnpackedSubvolume[]): string[] {
  return unpacked.map(({ name }) => name);
}

function smallStreams(
  mounted: string,
  t: Parameters<typeof scratchFolder>[0],
): { stream: string; before: string; after: string } {
  const folder = `${mounted}/live`;
  run("btrfs", ["-q", "subvolume", "create", folder]);
  run("sh", [
    "-c",
    `cd "$0"; mkdir a b; echo one > a/one; ln a/one b/same; ln -s one a/link; seq 3000 > b/numbers; mkfifo fifo`,
    folder,
  ]);
  const [before, after] = [`${mounted}/before`, `${mounted}/after`];
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", folder, before]);
  run("sh", ["-c", `cd "$0"; mv a c; echo two >> b/same; rm fifo; chmod 700 b; touch new`, folder]);
  run("btrfs", ["-q", "subvolume", "snapshot", "-r", folder, after]);
  return { stream: `${scratchFolder(t)}/stream`, before, after };
}

/** As rsync sees them; a line for each. */
function differences(expected: string, found: string): string {
  return runText("rsync", ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i", `${expected}/`, `${found}/`]);
}
