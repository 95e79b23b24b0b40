/** What is measured: for each case how a run of ours and of ostree looks. Repositories are new wherever a first time is meant. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Run } from "./measure.ts";

export interface Place {
  readonly program: string;
  /** Folder on the file system under test. */
  readonly folder: string;
  readonly tree: string;
}

export interface Case {
  readonly name: string;
  /** Our time as a share of theirs that was aimed at. */
  readonly target: number;
  /** Makes what both need before the first run. */
  prepare(place: Place): void;
  ours(place: Place, run: number): Run;
  theirs(place: Place, run: number): Run;
}

export const CASES: readonly Case[] = [
  firstCommit("commit to bare", "bare", 1 / 5),
  firstCommit("commit to archive, level 6", "archive", 1 / 2.4),
  {
    name: "commit again, unchanged",
    target: 1 / 12,
    prepare: (place) => bothCommitted(place, "bare"),
    ours: ({ program, folder, tree }) => ({ program, args: ["--repo", at(folder, "ours"), "commit", "-b", "main", tree] }),
    theirs: ({ folder, tree }) => ostree(at(folder, "theirs"), "commit", "-b", "main", tree),
  },
  {
    name: "checkout by hard links",
    target: 1,
    prepare: (place) => bothCommitted(place, "bare"),
    ours: ({ program, folder }, run) => ({
      program,
      args: ["--repo", at(folder, "ours"), "checkout", "-H", "main", at(folder, `o${run}`)],
    }),
    theirs: ({ folder }, run) => ostree(at(folder, "theirs"), "checkout", "-H", "main", at(folder, `t${run}`)),
  },
  {
    name: "checkout from archive",
    target: 1 / 3,
    prepare: (place) => bothCommitted(place, "archive"),
    ours: ({ program, folder }, run) => ({
      program,
      args: ["--repo", at(folder, "ours"), "checkout", "main", at(folder, `o${run}`)],
    }),
    theirs: ({ folder }, run) => ostree(at(folder, "theirs"), "checkout", "main", at(folder, `t${run}`)),
  },
  {
    name: "fsck",
    target: 1 / 4,
    prepare: (place) => bothCommitted(place, "bare"),
    ours: ({ program, folder }) => ({ program, args: ["--repo", at(folder, "ours"), "fsck"] }),
    theirs: ({ folder }) => ostree(at(folder, "theirs"), "fsck"),
  },
  {
    name: "push bare to archive",
    target: 1 / 2.4,
    prepare: (place) => bothCommitted(place, "bare"),
    ours: ({ program, folder }, run) => {
      init(program, at(folder, `o${run}`), "archive");
      return { program, args: ["--repo", at(folder, "ours"), "push", at(folder, `o${run}`), "main"] };
    },
    theirs: ({ folder }, run) => {
      spawn("ostree", [`--repo=${at(folder, `t${run}`)}`, "init", "--mode=archive"]);
      return ostree(at(folder, `t${run}`), "pull-local", at(folder, "theirs"), "main");
    },
  },
  {
    name: "diff of commit and folder, unchanged",
    target: 1 / 8,
    prepare: (place) => bothCommitted(place, "bare"),
    ours: ({ program, folder, tree }) => ({ program, args: ["--repo", at(folder, "ours"), "diff", "main", tree] }),
    theirs: ({ folder, tree }) => ostree(at(folder, "theirs"), "diff", "main", tree),
  },
];

function firstCommit(name: string, mode: string, target: number): Case {
  return {
    name,
    target,
    prepare: () => {},
    ours: ({ program, folder, tree }, run) => {
      init(program, at(folder, `o${run}`), mode);
      return { program, args: ["--repo", at(folder, `o${run}`), "commit", "-b", "main", tree] };
    },
    theirs: ({ folder, tree }, run) => {
      spawn("ostree", [`--repo=${at(folder, `t${run}`)}`, "init", `--mode=${mode}`]);
      return ostree(at(folder, `t${run}`), "commit", "-b", "main", tree);
    },
  };
}

function bothCommitted({ program, folder, tree }: Place, mode: string): void {
  init(program, at(folder, "ours"), mode);
  spawn(program, ["--repo", at(folder, "ours"), "commit", "-q", "-b", "main", tree]);
  spawn("ostree", [`--repo=${at(folder, "theirs")}`, "init", `--mode=${mode}`]);
  spawn("ostree", [`--repo=${at(folder, "theirs")}`, "commit", "-b", "main", tree]);
}

function init(program: string, repository: string, mode: string): void {
  spawn(program, ["--repo", repository, "init", "--mode", mode]);
}

function ostree(repository: string, ...args: string[]): Run {
  return { program: "ostree", args: [`--repo=${repository}`, ...args] };
}

function at(folder: string, name: string): string {
  return path.join(folder, name);
}

function spawn(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, [...args], { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
