/** Another program on the same file system that flushes files of its own: with it, the file system writes its journal at any moment. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MILLISECONDS = 25;

/** Runs `work` while `file` is written to and flushed over and over. */
export async function besideNeighbour<T>(file: string, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const neighbour = (async () => {
    while (!isOver) {
      flushOnce(file);
      await sleep(PAUSE_MILLISECONDS);
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await neighbour;
  }
}

/** Writes a line and flushes it. */
export function flushOnce(file: string): void {
  const fd = openSync(file, "a");
  try {
    writeSync(fd, "a line\n");
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
