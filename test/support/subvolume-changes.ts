/** Random changes of a btrfs subvolume, and an independent judge of what is said to have changed. */
import { randomSource } from "./property.ts";
import { run, runText } from "./programs.ts";
import type { StreamChange, TouchedEntry } from "../../src/codec/btrfs-send/changes/change.ts";

export interface InodeFacts {
  readonly type: number;
  readonly inode: number;
  readonly ctime?: string;
  readonly links?: number;
  readonly mode?: number;
  readonly owner?: readonly number[];
  readonly time?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly content?: unknown;
  readonly flags?: number;
}

export type TreeOfFacts = ReadonlyMap<string, InodeFacts>;

const ASPECTS = ["mode", "owner", "time", "xattrs", "content", "flags"] as const;

/** Makes `count` changes, counts them by kind in `counts`. Nested subvolumes are made only where that is asked for. */
export function changeSubvolume(folder: string, salt: number, count: number, counts: Map<string, number>, nests = false): void {
  const script = new URL("change-subvolume.py", import.meta.url).pathname;
  const number = randomSource(salt)(2 ** 31);
  const said = runText("python3", [script, folder, `${number}`, `${count}`, ...(nests ? ["--subvolumes"] : [])])
    .split("\n")
    .at(-1)!;
  for (const [kind, made] of Object.entries(JSON.parse(said) as Record<string, number>))
    counts.set(kind, (counts.get(kind) ?? 0) + made);
}

/** The kinds of changes that the script knows. */
export function kindsOfChanges(): string[] {
  const script = new URL("change-subvolume.py", import.meta.url).pathname;
  const list = runText("python3", ["-c", `import re; print(*re.findall(r"^def (\\w+)\\(\\):", open("${script}").read(), re.M))`]);
  return list.split(" ").filter((name) => !["content", "folder", "subvolumes"].includes(name));
}

export function factsOfTree(folder: string): TreeOfFacts {
  const script = new URL("inode-facts.py", import.meta.url).pathname;
  return new Map(Object.entries(JSON.parse(run("python3", [script, folder]).toString("utf8")) as Record<string, InodeFacts>));
}

export interface Judgement {
  /** What was not told: must be empty. */
  readonly missed: readonly string[];
  /** What was told without any difference, by why it is in the stream; `unexplained` must be empty. */
  readonly needless: ReadonlyMap<string, number>;
  readonly unexplained: readonly string[];
  /** Paths that really differ. */
  readonly differences: number;
}

/**
 * Whether B is A with these changes and nothing else: for each path of B, what A had is found by the changes alone, and must be the
 * same but for what they say.
 */
export function judgeChanges(
  a: TreeOfFacts,
  b: TreeOfFacts,
  changes: readonly StreamChange[],
  touched: readonly TouchedEntry[],
): Judgement {
  const missed: string[] = [];
  const unexplained: string[] = [];
  const needless = new Map<string, number>();
  const told = new Map(changes.filter(({ kind }) => kind !== "removed").map((change) => [change.path as string, change]));
  const removed = new Set(changes.filter(({ kind }) => kind === "removed").map(({ path }) => path as string));
  const continued = new Set<string>();
  let differences = 0;
  for (const [path, now] of b) {
    const change = told.get(path);
    const origin = change === undefined ? originOf(path, told) : change.kind === "removed" ? undefined : change.from;
    if (change?.kind === "added" && origin === undefined) {
      differences++;
      if (a.get(path)?.inode === now.inode && now.inode !== 2) unexplained.push(`${path}: told as new and is the old one`);
      continue;
    }
    if (origin === undefined) {
      missed.push(`${path}: is new`);
      continue;
    }
    const before = a.get(origin);
    if (change?.kind !== "added") continued.add(origin);
    if (before === undefined) {
      missed.push(`${path}: told to be from ${origin}, where there was nothing`);
      continue;
    }
    if (before.inode !== now.inode) missed.push(`${path}: is not the file that was ${origin}`);
    const what: readonly string[] = change === undefined || change.kind === "removed" ? [] : change.what;
    const differing = ASPECTS.filter((aspect) => JSON.stringify(before[aspect]) !== JSON.stringify(now[aspect]));
    for (const aspect of differing) if (!what.includes(aspect)) missed.push(`${path} (from ${origin}): ${aspect}`);
    if (differing.length > 0 || origin !== path) differences++;
    for (const aspect of what.filter((one) => !(differing as string[]).includes(one))) {
      needless.set(aspect, (needless.get(aspect) ?? 0) + 1);
      if (before.ctime === now.ctime) unexplained.push(`${path}: ${aspect}, and the inode was never written`);
    }
    if (change !== undefined && change.kind !== "removed" && what.includes("xattrs")) {
      const names = new Set([...Object.keys(before.xattrs ?? {}), ...Object.keys(now.xattrs ?? {})]);
      for (const name of names) {
        if (before.xattrs?.[name] !== now.xattrs?.[name] && !(change.xattrs as readonly string[]).includes(name))
          missed.push(`${path}: ${name}`);
      }
    }
  }
  for (const [path] of a) {
    if (!continued.has(path) && !removed.has(path)) missed.push(`${path}: is gone`);
    if (continued.has(path) && removed.has(path)) unexplained.push(`${path}: told as removed and goes on`);
  }
  for (const path of [...told.keys()]) if (!b.has(path)) unexplained.push(`${path}: is not in B`);
  for (const path of [...removed]) if (!a.has(path)) unexplained.push(`${path}: is not in A`);
  missed.push(...lostLinks(a, b, new Set([...told.keys(), ...touched.map(({ path }) => path)]), removed));
  return { missed, needless, unexplained, differences };
}

/** By the nearest folder above that the changes name. */
function originOf(path: string, told: ReadonlyMap<string, StreamChange>): string | undefined {
  for (let end = path.lastIndexOf("/"); ; end = path.lastIndexOf("/", end - 1)) {
    const folder = told.get(path.slice(0, Math.max(end, 0)));
    if (folder !== undefined && end >= 0) {
      if (folder.kind === "removed" || folder.from === undefined) return undefined;
      return folder.from === "" ? path.slice(end + 1) : `${folder.from}${path.slice(end)}`;
    }
    if (end < 0) return path;
  }
}

/** Of each file that has other names than before, one must be told of: an old one, or a new one, or one that was touched. */
function lostLinks(a: TreeOfFacts, b: TreeOfFacts, told: ReadonlySet<string>, removed: ReadonlySet<string>): string[] {
  const [before, now] = [namesByInode(a), namesByInode(b)];
  const lost: string[] = [];
  for (const [inode, names] of now) {
    const old = before.get(inode);
    const first = names[0]!;
    if (old === undefined || b.get(first)!.links === a.get(old[0]!)!.links) continue;
    const isTold = names.some((name) => told.has(name)) || old.some((name) => removed.has(name));
    if (!isTold) lost.push(`${first}: its other names`);
  }
  return lost;
}

function namesByInode(tree: TreeOfFacts): Map<number, string[]> {
  const names = new Map<number, string[]>();
  for (const [path, { inode, type }] of tree) {
    if (type === 0o040000) continue;
    const known = names.get(inode);
    if (known === undefined) names.set(inode, [path]);
    else known.push(path);
  }
  return names;
}
