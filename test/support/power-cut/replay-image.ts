/** Images of states: a base that grows with the flushes of the log, and a sparse copy of it for each state. */
import { closeSync, copyFileSync, openSync, readSync, writeSync } from "node:fs";
import { run } from "../programs.ts";
import type { ReplayState } from "./replay-states.ts";
import type { LogEntry, LoggedWrite } from "./write-log.ts";

export interface Replay {
  /** Writes the image of a state; bases must not shrink from one call to the next. */
  readonly write: (state: ReplayState, image: string) => void;
}

/** `image`: the disk before the first entry of the log. Changed as the replay goes on. */
export function startReplay(image: string, logFile: string, log: readonly LogEntry[]): Replay {
  let reached = 0;
  return {
    write: (state, target) => {
      if (state.base < reached) throw new Error(`The replay is at ${reached} already, not at ${state.base}.`);
      const before = log.flatMap((entry, index) =>
        index >= reached && index < state.base && entry.kind !== "flush" ? [{ write: entry, length: entry.length }] : [],
      );
      apply(image, logFile, before);
      reached = state.base;
      run("cp", ["--sparse=always", "--reflink=auto", image, target]);
      apply(
        target,
        logFile,
        state.kept.map(({ entry, length }) => ({ write: log[entry] as LoggedWrite, length })),
      );
    },
  };
}

/** Keeps a state for whoever wants to look at it. */
export function keepImage(image: string, target: string): void {
  copyFileSync(image, target);
}

function apply(image: string, logFile: string, writes: readonly { write: LoggedWrite; length: number }[]): void {
  if (writes.length === 0) return;
  const logFd = openSync(logFile, "r");
  const imageFd = openSync(image, "r+");
  try {
    for (const { write, length } of writes) {
      const data = Buffer.alloc(length);
      // What was discarded reads as zeros, as a loop device promises it.
      if (write.kind === "write" && readSync(logFd, data, 0, length, write.dataAt) !== length) throw new Error("The log is short.");
      if (writeSync(imageFd, data, 0, length, write.offset) !== length) throw new Error(`${image}: a short write.`);
    }
  } finally {
    closeSync(imageFd);
    closeSync(logFd);
  }
}
