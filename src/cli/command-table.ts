/** All commands: what the help screen shows, and where each is. A command is loaded when it is run. */
import type { Command } from "./definition.ts";

export type Group =
  | "Time machine"
  | "Bare metal"
  | "Fresh at every boot"
  | "Many from one"
  | "OS as code"
  | "Repository"
  | "Beside";

export interface CommandEntry {
  readonly name: string;
  readonly group: Group;
  /** What it does, in some words. */
  readonly summary: string;
  /** The arguments that the help screen shows. */
  readonly shape?: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "setup",
    group: "Time machine",
    summary: "prepare this machine",
    load: async () => (await import("./commands/setup.ts")).setup,
  },
  {
    name: "commit",
    group: "Time machine",
    summary: "keep this machine, or DIR",
    shape: "[DIR]",
    load: async () => (await import("./commands/commit.ts")).commit,
  },
  {
    name: "status",
    group: "Time machine",
    summary: "where it stands and what to do next",
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "diff",
    group: "Time machine",
    summary: "what is different",
    shape: "[A] [B]",
    load: async () => (await import("./commands/diff.ts")).diff,
  },
  {
    name: "log",
    group: "Time machine",
    summary: "history",
    shape: "[COMMIT]",
    load: async () => (await import("./commands/log.ts")).log,
  },
  {
    name: "show",
    group: "Time machine",
    summary: "one commit",
    shape: "[COMMIT]",
    load: async () => (await import("./commands/show.ts")).show,
  },
  {
    name: "tag",
    group: "Time machine",
    summary: "name a commit, keep it for good",
    shape: "NAME [COMMIT]",
    load: async () => (await import("./commands/tag.ts")).tag,
  },
  {
    name: "restore",
    group: "Time machine",
    summary: "put files back",
    shape: "COMMIT PATH…",
    load: async () => (await import("./commands/restore.ts")).restore,
  },
  {
    name: "rollback",
    group: "Time machine",
    summary: "put the system back",
    shape: "[COMMIT]",
    load: async () => (await import("./commands/rollback.ts")).rollback,
  },
  {
    name: "undo",
    group: "Time machine",
    summary: "reverse the last operation",
    load: async () => (await import("./commands/undo.ts")).undo,
  },
  {
    name: "doctor",
    group: "Repository",
    summary: "what would make a rollback or a start fail",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "install",
    group: "Bare metal",
    summary: "a disk image that boots with that state",
    shape: "COMMIT --image FILE",
    load: async () => (await import("./commands/install.ts")).install,
  },
  {
    name: "init",
    group: "Repository",
    summary: "make a repository",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    name: "checkout",
    group: "Repository",
    summary: "a commit becomes a folder",
    load: async () => (await import("./commands/checkout.ts")).checkout,
  },
  {
    name: "ls",
    group: "Repository",
    summary: "list what a commit holds",
    load: async () => (await import("./commands/ls.ts")).ls,
  },
  {
    name: "cat",
    group: "Repository",
    summary: "print files of a commit",
    load: async () => (await import("./commands/cat.ts")).cat,
  },
  {
    name: "refs",
    group: "Repository",
    summary: "list, make and delete branches",
    load: async () => (await import("./commands/refs.ts")).refs,
  },
  {
    name: "merge",
    group: "Repository",
    summary: "join the changes of another line",
    load: async () => (await import("./commands/merge.ts")).merge,
  },
  {
    name: "revert",
    group: "Repository",
    summary: "take back what a commit changed",
    load: async () => (await import("./commands/revert.ts")).revert,
  },
  {
    name: "push",
    group: "Repository",
    summary: "bring what is here into another repository",
    load: async () => (await import("./commands/push.ts")).push,
  },
  {
    name: "pull",
    group: "Repository",
    summary: "bring what another repository has",
    load: async () => (await import("./commands/pull.ts")).pull,
  },
  {
    name: "fsck",
    group: "Repository",
    summary: "check everything, repair what can be",
    load: async () => (await import("./commands/fsck.ts")).fsck,
  },
  {
    name: "prune",
    group: "Repository",
    summary: "remove what is not needed any more",
    load: async () => (await import("./commands/prune.ts")).prune,
  },
  {
    name: "forget",
    group: "Repository",
    summary: "take a path out of all history",
    shape: "PATH…",
    load: async () => (await import("./commands/forget.ts")).forget,
  },
  {
    name: "import",
    group: "Repository",
    summary: "an archive becomes a commit",
    load: async () => (await import("./commands/import.ts")).importArchive,
  },
  {
    name: "export",
    group: "Repository",
    summary: "a commit becomes an archive",
    load: async () => (await import("./commands/export.ts")).exportArchive,
  },
  {
    name: "try",
    group: "Beside",
    summary: "a tour with a copy of /etc",
    load: async () => (await import("./commands/try.ts")).tryRegrow,
  },
  {
    name: "completion",
    group: "Beside",
    summary: "print a completion script for a shell",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
];

export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((command) => command.name === name);
}
