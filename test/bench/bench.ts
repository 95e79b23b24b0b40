/**
 * Measures `dist/regrow`, start-up included, beside ostree in the same run, and writes medians, ratios and raw samples into
 * docs/performance.md between its marks. `--pairs N`, `--only TEXT` (cases whose name holds it), `--trees TREE@FS,…` (TREE: debian or
 * small; FS: ext4, btrfs or xfs; or `none`), `--no-memory`, `--no-others`, `--no-write`.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { CASES, type Case, type Place } from "./cases.ts";
import { type FileSystem, onFreshFileSystem } from "./fresh-file-system.ts";
import { type Pair, measure, measurePairs, median } from "./measure.ts";
import { type Orientation, measureOthers } from "./orientation.ts";
import { type CaseResult, type MemoryResult, report } from "./report.ts";
import { makeDebianTree, makeSmallFiles, sizeOf } from "./trees.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    trees: { type: "string", default: "debian@ext4,debian@btrfs,small@ext4" },
    others: { type: "boolean", default: true },
    memory: { type: "boolean", default: true },
    write: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const pairs = Number(values.pairs);
const root = path.resolve(import.meta.dirname, "../..");
const program = path.join(root, "dist/regrow");

const results: CaseResult[] = [];
const others: { tree: string; list: Orientation[] }[] = [];
for (const place of values.trees.split(",").filter((one) => one !== "none")) {
  const [name, fileSystem] = parsePlace(place);
  for (const one of CASES.filter((candidate) => candidate.name.includes(values.only))) {
    results.push(await onFreshFileSystem(fileSystem, async (folder) => runCase(place, one, await makePlace(name, folder))));
    say(results.at(-1)!);
  }
  if (values.only === "" && values.others) {
    const list = await onFreshFileSystem(fileSystem, async (folder) =>
      measureOthers(await makePlace(name, folder), Math.min(3, pairs)),
    );
    others.push({ tree: place, list });
  }
}
const memory = values.memory && values.only === "" ? await onFreshFileSystem("ext4", measureMemory) : [];
const text = report({ results, others, memory, machine: machine(), pairs });
if (values.write) putBetweenMarks(path.join(root, "docs/performance.md"), text);
else process.stdout.write(text);

function parsePlace(place: string): [name: string, fileSystem: FileSystem] {
  const [name, fileSystem = "ext4"] = place.split("@");
  if (!["debian", "small"].includes(name!) || !["ext4", "btrfs", "xfs"].includes(fileSystem))
    throw new Error(`--trees: there is no ${place}`);
  return [name!, fileSystem as FileSystem];
}

async function makePlace(name: string, folder: string): Promise<Place> {
  const tree = path.join(folder, "tree");
  if (name === "debian") await makeDebianTree(tree);
  else makeSmallFiles(tree, 100_000);
  return { program, folder, tree };
}

function runCase(treeName: string, one: Case, place: Place): CaseResult {
  one.prepare(place);
  // Files that were written a moment ago are not trusted by a stat cache, and a real tree is older than that.
  const measured: Pair[] = measurePairs(
    pairs,
    (run) => one.ours(place, run),
    (run) => one.theirs(place, run),
  );
  return { tree: treeName, size: sizeOf(place.tree), name: one.name, target: one.target, pairs: measured };
}

function measureMemory(folder: string): MemoryResult[] {
  const large = path.join(folder, "large");
  mkdirSync(large);
  const file = path.join(large, "file");
  writeFileSync(file, "");
  truncateSync(file, 4 * 2 ** 30);
  spawnSync("sh", ["-c", `head -c 4G /dev/urandom >${file}`]);
  if (statSync(file).size !== 4 * 2 ** 30) throw new Error("the large file was not made");
  const many = path.join(folder, "many");
  makeSmallFiles(many, 500_000);
  return [memoryOf("commit of one file of 4 GiB", 300e6, folder, large), memoryOf("commit of 500,000 files", 1e9, folder, many)];
}

function memoryOf(name: string, target: number, folder: string, tree: string): MemoryResult {
  const repository = path.join(folder, `repo-${path.basename(tree)}`);
  spawnSync(program, ["--repo", repository, "init", "--mode", "bare"]);
  return { name, target, sample: measure({ program, args: ["--repo", repository, "commit", "-b", "main", tree] }) };
}

function say({ tree, name, target, pairs: measured }: CaseResult): void {
  const ratio = median(measured.map(({ ours, theirs }) => ours.seconds / theirs.seconds));
  process.stderr.write(`${tree}: ${name}: ${ratio.toFixed(3)} of ostree's time (target ${target.toFixed(3)})\n`);
}

function machine(): string {
  const version = (command: string, args: string[]): string =>
    (spawnSync(command, args, { encoding: "utf8" }).stdout ?? "").trim();
  const ostree = /'([\d.]+)'/.exec(version("ostree", ["--version"]))?.[1] ?? "?";
  const commit = version("git", ["-C", root, "rev-parse", "--short", "HEAD"]);
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GiB`;
  return `${os.cpus().length} cores (${os.cpus()[0]!.model}), ${memory}, Linux ${os.release()}, ostree ${ostree}, regrow at ${commit}, ${new Date().toISOString().slice(0, 10)}`;
}

function putBetweenMarks(file: string, content: string): void {
  const [begin, end] = ["<!-- measured -->", "<!-- end -->"];
  const old = readFileSync(file, "utf8");
  const [before, rest] = old.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${file} lacks its marks`);
  writeFileSync(file, `${before}${begin}\n\n${content}\n${end}${after}`);
}
