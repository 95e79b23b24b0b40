/**
 * Random commands on a tree in memory, carried out by a second implementation that holds every path: what the change reader tells,
 * knowing only what it asked for, must be the difference of the two trees. And commands that make no sense are refused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteString } from "../../src/base/byte-string.ts";
import { RegrowError } from "../../src/base/errors.ts";
import { openChangeReader } from "../../src/codec/btrfs-send/changes/read-changes.ts";
import type { SendCommand } from "../../src/codec/btrfs-send/command.ts";
import { randomSource, seed, times } from "../support/property.ts";
import { type InodeFacts, type TreeOfFacts, judgeChanges } from "../support/subvolume-changes.ts";

const UUID = "00112233445566778899aabbccddeeff";
const [FILE, FOLDER] = [0o100000, 0o040000];
const NAMES = ["a", "b", "c", "d.e", "\xff", "o256-1-0"];
const KINDS = [
  "mkfile",
  "mkdir",
  "rename",
  "rename",
  "swap",
  "link",
  "unlink",
  "rmtree",
  "write",
  "chmod",
  "utimes",
  "touch",
] as const;
/** What the first tree is made by. */
const MAKING = ["mkfile", "mkfile", "mkdir", "link"] as const;

interface Node {
  readonly inode: number;
  readonly type: number;
  content: number;
  mode: number;
  time: number;
  ctime: number;
}

type Random = (limit: number) => number;
type Tree = Map<string, Node>;

test("what is told is the difference", (t) => {
  const random = randomSource(31);
  const counts = new Map<string, number>();
  let [differences, asked, entries] = [0, 0, 0];
  for (let run = 0; run < times(1000); run++) {
    const tree: Tree = new Map([["", newNode(256, FOLDER)]]);
    const clock = { now: 300 };
    for (let step = 0; step < 30 + random(150); step++) operate(tree, random, clock, () => {}, new Map(), MAKING);
    const a = factsOf(tree);
    const lookUps = new Set<string>();
    const reader = openChangeReader({
      lookUp(path) {
        lookUps.add(path);
        const node = a.get(path);
        if (node === undefined) return undefined;
        const type = node.type === FOLDER ? "folder" : "file";
        return { type, ino: node.inode, links: node.links!, mtime: { seconds: Number(node.time), nanoseconds: 0 } };
      },
      xattrOf: () => undefined,
      isInB: (path) => tree.has(path),
      namesOf: (ino) => [...tree].filter(([, node]) => node.inode === ino).map(([path]) => path as ByteString),
    });
    reader.take({ kind: "snapshot", path: "b" as ByteString, uuid: UUID, ctransid: 2, cloneUuid: UUID, cloneCtransid: 1 });
    const commands: SendCommand[] = [];
    const steps = random(30);
    for (let step = 0; step < steps; step++) operate(tree, random, clock, (command) => commands.push(command), counts);
    for (const command of commands) reader.take(command);
    reader.take({ kind: "end" });
    const { changes, touched } = reader.finish();
    const judged = judgeChanges(a, factsOf(tree), changes, touched);
    assert.deepEqual(judged.missed, [], `seed ${seed} (FC_SEED), run ${run}\n${JSON.stringify(commands)}`);
    assert.deepEqual(judged.unexplained, [], `seed ${seed} (FC_SEED), run ${run}\n${JSON.stringify(commands)}`);
    differences += judged.differences;
    asked += lookUps.size;
    entries += a.size;
    const mentioned = commands.flatMap(prefixesOf).length;
    assert.ok(lookUps.size <= 1 + mentioned, `${lookUps.size} looks for ${mentioned} paths`);
  }
  t.diagnostic(`seed ${seed} (FC_SEED): ${differences} differences, ${asked} of ${entries} entries looked at`);
  t.diagnostic([...counts].map(([kind, count]) => `${kind} ${count}`).join(", "));
  for (const kind of KINDS) assert.ok((counts.get(kind) ?? 0) > 0, `no ${kind}`);
});

test("commands that make no sense", (t) => {
  const random = randomSource(32);
  const path = (): ByteString => Array.from({ length: 1 + random(3) }, () => NAMES[random(3)]!).join("/") as ByteString;
  let [told, refused] = [0, 0];
  for (let run = 0; run < times(3000); run++) {
    const known = new Map<string, "file" | "folder">([["", "folder"]]);
    for (const name of NAMES) known.set(name, random(2) === 0 ? "file" : "folder");
    const reader = openChangeReader({
      lookUp(path) {
        const type = known.get(path);
        return type === undefined
          ? undefined
          : { type, ino: 1000 + path.length, links: 1 + random(2), mtime: { seconds: 0, nanoseconds: 0 } };
      },
      xattrOf: () => undefined,
      isInB: () => random(2) === 0,
      namesOf: () => [path(), path()],
    });
    try {
      for (let step = 0; step < 1 + random(4); step++) reader.take(anyCommand(random, path));
      reader.take({ kind: "end" });
      reader.finish();
      told++;
    } catch (error) {
      assert.ok(error instanceof RegrowError && error.code === "corrupt", `seed ${seed} (FC_SEED), run ${run}: ${String(error)}`);
      refused++;
    }
  }
  t.diagnostic(`seed ${seed} (FC_SEED): ${told} told, ${refused} refused`);
  assert.ok(told > 30 && refused > 100);
});

function anyCommand(random: Random, path: () => ByteString): SendCommand {
  const commands: (() => SendCommand)[] = [
    () => ({ kind: "mkfile", path: path(), ino: 5000 + random(5) }),
    () => ({ kind: "mkdir", path: path(), ino: 5000 + random(5) }),
    () => ({ kind: "rename", path: path(), to: path() }),
    () => ({ kind: "link", path: path(), existing: path() }),
    () => ({ kind: "unlink", path: path() }),
    () => ({ kind: "rmdir", path: path() }),
    () => ({ kind: "chmod", path: path(), mode: 0o600 }),
  ];
  return commands[random(commands.length)]!();
}

/** One change of the tree, told as commands as Linux would: never over what is there. */
function operate(
  tree: Tree,
  random: Random,
  clock: { now: number },
  tell: (command: SendCommand) => void,
  counts: Map<string, number>,
  kinds: readonly (typeof KINDS)[number][] = KINDS,
): void {
  const kind = kinds[random(kinds.length)]!;
  const paths = [...tree.keys()];
  const pick = (type?: number): string | undefined => {
    const fitting = paths.filter((path) => path !== "" && (type === undefined || tree.get(path)!.type === type));
    return fitting[random(Math.max(fitting.length, 1))];
  };
  const fresh = (): string | undefined => {
    const folders = paths.filter((path) => tree.get(path)!.type === FOLDER);
    const folder = folders[random(folders.length)]!;
    const path = `${folder === "" ? "" : `${folder}/`}${NAMES[random(NAMES.length)]!}`;
    return tree.has(path) ? undefined : path;
  };
  const [one, other, free] = [pick(), pick(), fresh()];
  const now = ++clock.now;
  const bytes = (path: string): ByteString => path as ByteString;
  const did = (): unknown => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const orphan = bytes(`o${now}-1-0`);
  const move = (from: string, to: string): void => {
    for (const [path, node] of [...tree]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      tree.delete(path);
      tree.set(`${to}${path.slice(from.length)}`, node);
    }
    tell({ kind: "rename", path: bytes(from), to: bytes(to) });
  };
  const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
  switch (kind) {
    case "mkfile":
    case "mkdir":
      if (free === undefined) return;
      tree.set(free, newNode(now, kind === "mkfile" ? FILE : FOLDER));
      tell({ kind, path: orphan, ino: now });
      tell({ kind: "rename", path: orphan, to: bytes(free) });
      return void did();
    case "rename":
      if (one === undefined || free === undefined || within(free, one)) return;
      move(one, free);
      return void did();
    case "swap":
      if (one === undefined || other === undefined || within(one, other) || within(other, one)) return;
      move(one, orphan);
      move(other, one);
      move(orphan, other);
      return void did();
    case "link": {
      const file = pick(FILE);
      if (file === undefined || free === undefined) return;
      tree.set(free, tree.get(file)!);
      tell({ kind: "link", path: bytes(free), existing: bytes(file) });
      return void did();
    }
    case "unlink": {
      const file = pick(FILE);
      if (file === undefined) return;
      const node = tree.get(file)!;
      tree.delete(file);
      tell({ kind: "unlink", path: bytes(file) });
      // Linux names a file of which a name went, by another one.
      const twin = [...tree].find(([, twin]) => twin === node)?.[0];
      node.ctime = now;
      if (twin !== undefined) tell({ kind: "utimes", path: bytes(twin), ...timesOf(node.time) });
      return void did();
    }
    case "rmtree": {
      const folder = pick(FOLDER);
      if (folder === undefined) return;
      move(folder, orphan);
      for (const path of [...tree.keys()]
        .filter((path) => within(path, orphan))
        .toSorted()
        .toReversed()) {
        const node = tree.get(path)!;
        tree.delete(path);
        tell({ kind: node.type === FILE ? "unlink" : "rmdir", path: bytes(path) });
        const twin = [...tree].find(([, twin]) => twin === node)?.[0];
        node.ctime = now;
        if (twin !== undefined) tell({ kind: "utimes", path: bytes(twin), ...timesOf(node.time) });
      }
      return void did();
    }
    case "write":
    case "chmod":
    case "utimes":
    case "touch": {
      const path = kind === "write" ? pick(FILE) : one;
      if (path === undefined) return;
      const node = tree.get(path)!;
      node.ctime = now;
      if (kind === "write") node.content = now;
      if (kind === "chmod") node.mode = now % 0o7777;
      if (kind === "utimes") node.time = now;
      if (kind === "write") tell({ kind: "update-extent", path: bytes(path), offset: 0, size: 1 });
      else if (kind === "chmod") tell({ kind, path: bytes(path), mode: node.mode });
      else tell({ kind: "utimes", path: bytes(path), ...timesOf(node.time) });
      did();
    }
  }
}

/** The paths of a command, and the folders on the way. */
function prefixesOf(command: SendCommand): string[] {
  const paths = [
    "path" in command ? command.path : "",
    "to" in command ? command.to : "",
    "existing" in command ? command.existing : "",
  ];
  return paths.flatMap((path) => path.split("/").map((_, index, pieces) => pieces.slice(0, index + 1).join("/")));
}

function newNode(inode: number, type: number): Node {
  return { inode, type, content: inode, mode: 0, time: inode, ctime: inode };
}

function timesOf(seconds: number): Pick<Extract<SendCommand, { kind: "utimes" }>, "atime" | "mtime" | "ctime"> {
  const time = { seconds, nanoseconds: 0 };
  return { atime: time, mtime: time, ctime: time };
}

function factsOf(tree: Tree): TreeOfFacts {
  const facts = new Map<string, InodeFacts>();
  for (const [path, { inode, type, content, mode, time, ctime }] of tree) {
    const links = type === FOLDER ? 1 : [...tree.values()].filter((node) => node.inode === inode).length;
    facts.set(path, { inode, type, content, mode, time: `${time}`, ctime: `${ctime}`, links });
  }
  return facts;
}
