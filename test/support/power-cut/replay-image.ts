/** Images of states: a base that grows with the flushes of the log, and a sparse copy of it for each state. */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { run } from "../programs.ts";
import type { ReplayState } from "./replay-states.ts";
import type { LogEntry, LoggedWrite } from "./write-log.ts";

export interface Replay {
  /** Writes the image of a state; bases must not shrink from one call to the next. */
  readonly write: (state: ReplayState, image: string) => void;
  /** Writes the rest of the log. Throws where that is not the disk as it was left: then the log was not all of it, or was misread. */
  readonly finish: (disk: string) => void;
}

/** `image`: the disk before the first entry of the log. Changed as the replay goes on. */
export function startReplay(image: string, logFile: string, log: readonly LogEntry[]): Replay {
  let reached = 0;
  const advance = (to: number): void => {
    if (to < reached) throw new Error(`The replay is at ${reached} already, not at ${to}.`);
    const writes = log.slice(reached, to).flatMap((entry) => (entry.kind === "flush" ? [] : [entry]));
    apply(
      image,
      logFile,
      writes.map((write) => ({ write, length: write.length })),
    );
    reached = to;
  };
  return {
    write: ({ base, kept }, target) => {
      advance(base);
      copyImage(image, target);
      apply(
        target,
        logFile,
        kept.map(({ entry, length }) => ({ write: log[entry] as LoggedWrite, length })),
      );
    },
    finish: (disk) => {
      advance(log.length);
      run("cmp", [image, disk]);
    },
  };
}

/** Copies no holes, and shares blocks where that can be. */
export function copyImage(image: string, target: string): void {
  run("cp", ["--sparse=always", "--reflink=auto", image, target]);
}

function apply(image: string, logFile: string, writes: readonly { write: LoggedWrite; length: number }[]): void {
  if (writes.length === 0) return;
  const logFd = openSync(logFile, "r");
  const imageFd = openSync(image, "r+");
  try {
    for (const { write, length } of writes) {
      const data = Buffer.alloc(length);
      // What was discarded reads as zeros, as a loop device promises it.
      if (write.kind === "write" && readSync(logFd, data, 0, length, write.dataAt) !== length)
        throw new Error("The log is short.");
      if (writeSync(imageFd, data, 0, length, write.offset) !== length) throw new Error(`${image}: a short write.`);
    }
  } finally {
    closeSync(imageFd);
    closeSync(logFd);
  }
}
