/**
 * The commands that change a machine, killed before their changes: setup, commit, rollback, undo, restore, prune. The machine is mounted
 * again, as a boot would; its root is wholly the old or the new one, the repository sound, the history whole, and the next command
 * finishes what was begun or clears it away. The short form kills at some points of each, spread; with REGROW_LONG=1 at all.
 */
import assert from "node:assert/strict";
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type TestContext, test } from "node:test";
import { fastFolder } from "../support/fast-folder.ts";
import { assertNothingLeft, commitsOf, judgeKept, judgeRepository, oldOrNew } from "../support/machine/judge-machine.ts";
import {
  LAYOUTS,
  type Layout,
  type RootFacts,
  breakTinyRoot,
  carriedInto,
  differingPaths,
  makeTinyRoot,
  mountRoot,
  rootFacts,
  runMachine,
  startMachine,
} from "../support/machine/tiny-machine.ts";
import { type MountedDevice, leftInUse, withLoopDevice, withMounted } from "../support/power-cut/mounted-device.ts";
import { copyImage } from "../support/power-cut/replay-image.ts";
import { run } from "../support/programs.ts";
import { requires } from "../support/requires.ts";
import { tally } from "../support/tally.ts";

const NEEDS = { root: true, programs: ["btrfs", "mkfs.btrfs", "mount", "losetup", "ostree"], filesystems: ["btrfs"] };
const isLong = process.env["REGROW_LONG"] === "1";
const SHORT_POINTS = 5;
const MOST_VARIATION = 15;

interface Mounted extends MountedDevice {
  readonly root: string;
  readonly top: string;
}

interface Verdict {
  readonly old: RootFacts;
  readonly new: RootFacts;
  /** What the command is about to replace, and the places where it is kept. */
  readonly kept?: { readonly facts: RootFacts; readonly places: readonly string[] };
}

interface Series {
  readonly of: string;
  readonly layout: Layout;
  readonly command: readonly string[];
  /** Makes the old state in a new file system, and tells what is to be found afterwards. */
  readonly prepare: (mounted: Mounted) => Promise<Verdict>;
  /** In place of the verdict on the whole root. */
  readonly judge?: (mounted: Mounted, verdict: Verdict) => "old" | "new";
}

/** Runs the series and judges each cut. */
async function cutAll(t: TestContext, series: Series): Promise<void> {
  const images = mkdtempSync(path.join(fastFolder(), "regrow-machine-cut-"));
  const mounts = mkdtempSync(path.join(os.tmpdir(), "regrow-machine-cut-"));
  t.after(() => {
    assert.deepEqual(leftInUse([images, mounts]), []);
    for (const folder of [images, mounts]) rmSync(folder, { recursive: true });
  });
  const inImage = <T>(image: string, use: (mounted: Mounted) => Promise<T>): Promise<T> =>
    withLoopDevice(image, async (device) => {
      const result = await withMounted(device, mounts, { fileSystem: "btrfs", options: "subvolid=5" }, (mounted) =>
        use({ ...mounted, top: mounted.path, root: mountRoot(mounted, series.layout) }),
      );
      return result;
    });
  const base = `${images}/base`;
  makeImage(base);
  await withLoopDevice(base, (device) =>
    withMounted(device, mounts, { fileSystem: "btrfs", options: "subvolid=5" }, async ({ path: top }) =>
      makeTinyRoot(top, series.layout),
    ),
  );
  const verdict = await inImage(base, series.prepare);
  const known = await inImage(base, async ({ top }) => (existsSync(`${top}/@regrow/repo/refs/heads/main`) ? commitsOf(top) : []));
  const image = `${images}/cut`;
  const trace = `${images}/trace`;
  copyImage(base, image);
  await inImage(image, async ({ root }) => {
    const { code, stderr } = await startMachine(root, series.command, { REGROW_FAIL_TRACE: trace });
    assert.equal(code, 0, stderr);
  });
  const changes = readFileSync(trace, "utf8").trimEnd().split("\n");
  const points = pointsOf(changes.length);
  const found = { old: 0, new: 0 };
  let killed = 0;
  for (const point of points) {
    copyImage(base, image);
    try {
      await inImage(image, async ({ root }) => {
        const { code, signal, stderr } = await startMachine(root, series.command, { REGROW_FAIL_AT: `${point}` });
        // Threads take turns as they like: there may be some changes more or less.
        if (signal === "SIGKILL") killed++;
        else assert.ok(code === 0 && point > changes.length - MOST_VARIATION, `ended with ${code}: ${stderr}`);
      });
      const which = await inImage(image, (mounted) => judgeCut(series, mounted, verdict, known));
      found[which]++;
      await inImage(image, (mounted) => runNext(series, mounted, which));
      await inImage(image, async (mounted) => judgeSettled(series, mounted, verdict, known));
      if (isLong || point === points.at(-1)) run("btrfs", ["check", "--readonly", image]);
    } catch (error) {
      const what = `${series.of}, killed before change ${point} of ${changes.length} (${changes[point - 1]})`;
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }
  t.diagnostic(`${changes.length} changes, killed at ${killed} of them: old ${found.old}, new ${found.new}`);
  assert.ok(found.old > 0 && found.new > 0, "both the old and the new state must be seen");
  tally("kill points", `machine ${series.of}`, killed);
}

/** All, or some from the first to the last. */
function pointsOf(count: number): number[] {
  if (isLong || count <= SHORT_POINTS) return Array.from({ length: count }, (_, index) => index + 1);
  const spread = Array.from({ length: SHORT_POINTS }, (_, index) => 1 + Math.floor((index * (count - 1)) / (SHORT_POINTS - 1)));
  // The switch is at the end: its steps are where it matters.
  return [...new Set([...spread, count - 1, count - 3].filter((point) => point > 0))].toSorted((a, b) => a - b);
}

async function judgeCut(series: Series, mounted: Mounted, verdict: Verdict, known: readonly string[]): Promise<"old" | "new"> {
  const { top, root } = mounted;
  const which = series.judge?.(mounted, verdict) ?? oldOrNew(root, verdict.old, verdict.new);
  if (existsSync(`${top}/@regrow/format`)) judgeRepository(top, known);
  return which;
}

/** The next command: the same again where nothing had come of it, and where it had, a commit. */
async function runNext({ command }: Series, { root }: Mounted, which: "old" | "new"): Promise<void> {
  // What setup has begun is only told by setup.
  if (which === "old" || command[0] === "setup") await runMachine(root, ...command);
  else await runMachine(root, "commit", "-m", "the next");
}

function judgeSettled(series: Series, mounted: Mounted, verdict: Verdict, known: readonly string[]): void {
  const { top, root } = mounted;
  assert.equal(series.judge?.(mounted, verdict) ?? oldOrNew(root, verdict.old, verdict.new), "new", "after the next command");
  assert.equal(readFileSync(`${root}/var/lib/machines/one`, "utf8"), "nested");
  if (verdict.kept !== undefined) judgeKept(top, verdict.kept.facts, verdict.kept.places);
  judgeRepository(top, known);
  assertNothingLeft(top, root);
}

function makeImage(image: string): void {
  const fd = openSync(image, "w");
  ftruncateSync(fd, 256 * 2 ** 20);
  closeSync(fd);
  run("mkfs.btrfs", ["-q", "-f", image]);
}

/** The good root is committed, and broken after that. */
async function breakCommitted({ root }: Mounted): Promise<{ readonly good: RootFacts; readonly broken: RootFacts }> {
  await runMachine(root, "setup", "-y");
  await runMachine(root, "commit", "-m", "good");
  const good = rootFacts(root);
  breakTinyRoot(root);
  return { good, broken: rootFacts(root) };
}

/** By what is in the history, where the root itself doesn't change. */
function commitsMade(count: number): Series["judge"] {
  return ({ top, root }, { old }) => {
    assert.equal(oldOrNew(root, old, old), "old");
    return commitsOf(top).length < count ? "old" : "new";
  };
}

const [byName] = LAYOUTS as [Layout, Layout];

test("setup, killed before its changes", async (t) => {
  if (!requires(t, NEEDS)) return;
  await cutAll(t, {
    of: "setup",
    layout: byName,
    command: ["setup", "-y"],
    prepare: async ({ root }) => ({ old: rootFacts(root), new: rootFacts(root) }),
    judge: ({ root, top }, { old }) => {
      const now = rootFacts(root);
      const isTheirs = ([name]: [string, unknown]): boolean => old.has(name) && name !== "etc" && name !== "usr";
      const theirs = new Map([...now].filter(isTheirs));
      const before = new Map([...old].filter(isTheirs));
      assert.equal(oldOrNew(root, now, now), "old");
      assert.deepEqual(theirs, before, "what was there before");
      const paths = ["etc/regrow.toml", "etc/systemd/system/local-fs.target.wants/\\x2eregrow.mount"];
      const isDone = existsSync(`${top}/@regrow/format`) && paths.every((name) => existsSync(`${root}/${name}`));
      return isDone && existsSync(`${root}/usr/lib/regrow`) ? "new" : "old";
    },
  });
});

test("a commit, killed before its changes", async (t) => {
  if (!requires(t, NEEDS)) return;
  await cutAll(t, {
    of: "commit",
    layout: byName,
    command: ["commit", "-m", "cut"],
    prepare: async (mounted) => {
      const { broken } = await breakCommitted(mounted);
      return { old: broken, new: broken };
    },
    judge: commitsMade(2),
  });
});

for (const layout of LAYOUTS) {
  const { name, isDefault } = layout;
  test(`a rollback of ${name}, killed before its changes`, async (t) => {
    if (!requires(t, NEEDS)) return;
    await cutAll(t, {
      of: `rollback of ${name}`,
      layout,
      command: ["rollback", "-y"],
      prepare: async (mounted) => {
        const { good, broken } = await breakCommitted(mounted);
        const places = isDefault ? [name] : ["@regrow/history/1/root", "@regrow/history/2/root"];
        return { old: broken, new: carriedInto(good, broken), kept: { facts: broken, places } };
      },
    });
  });

  test(`an undo of ${name}, killed before its changes`, async (t) => {
    if (!requires(t, NEEDS)) return;
    await cutAll(t, {
      of: `undo of ${name}`,
      layout,
      command: ["undo", "-y"],
      prepare: async (mounted) => {
        const { good, broken } = await breakCommitted(mounted);
        await runMachine(mounted.root, "rollback", "-y");
        const old = carriedInto(good, broken);
        const places = [2, 3].map((number) => `@regrow/${isDefault ? "deploy/1" : `history/${number}`}/root`);
        return { old, new: broken, kept: { facts: old, places } };
      },
    });
  });
}

test("a restore, killed before its changes", async (t) => {
  if (!requires(t, NEEDS)) return;
  await cutAll(t, {
    of: "restore",
    layout: byName,
    command: ["restore", "-y", "good", "/usr/share", "/etc/passwd"],
    prepare: async (mounted) => {
      const { good, broken } = await breakCommitted(mounted);
      await runMachine(mounted.root, "tag", "good", "main");
      return { old: broken, new: good };
    },
    judge: ({ root }, { old, new: good }) => {
      const parts = ["usr/share", "etc/passwd"].map((part) => {
        const isIn = ([name]: [string, unknown]): boolean => name === part || name.startsWith(`${part}/`);
        const [now, before, after] = [rootFacts(root), old, good].map((facts) => new Map([...facts].filter(isIn)));
        if (differingPaths(now!, before!).length === 0) return "old";
        assert.deepEqual(differingPaths(now!, after!), [], part);
        return "new";
      });
      const isElsewhere = ([name]: [string, unknown]): boolean =>
        !/^(usr|etc)$|^usr\/share|^etc\/passwd$|(^|\/)\.regrow-restore-/.test(name);
      const [now, before] = [rootFacts(root), old].map((facts) => new Map([...facts].filter(isElsewhere)));
      assert.deepEqual(differingPaths(now!, before!), [], "elsewhere");
      return parts.includes("old") ? "old" : "new";
    },
  });
});

test("prune by the machine's rules, killed before its changes", async (t) => {
  if (!requires(t, NEEDS)) return;
  await cutAll(t, {
    of: "prune",
    layout: byName,
    command: ["prune", "--policy", "-y"],
    prepare: async (mounted) => {
      const { root } = mounted;
      await breakCommitted(mounted);
      for (const round of [1, 2, 3]) {
        writeFileSync(`${root}/usr/bin/tool`, `round ${round}`.repeat(2000));
        await runMachine(root, "commit", "-m", `round ${round}`);
      }
      writeFileSync(`${root}/etc/regrow.toml`, "keep = { last = 2 }\n");
      return { old: rootFacts(root), new: rootFacts(root) };
    },
    judge: ({ root, top }, { old }) => {
      assert.equal(oldOrNew(root, old, old), "old");
      const commits = commitsOf(top);
      // The trees of the last two stay, whatever happens; ostree reads them.
      for (const commit of commits.slice(0, 2)) run("ostree", ["ls", "-R", `--repo=${top}/@regrow/repo`, commit]);
      const thinned = commits.slice(2).filter((commit) => existsSync(`${top}/@regrow/repo/state/${commit}.commitpartial`));
      return thinned.length === 2 ? "new" : "old";
    },
  });
});
