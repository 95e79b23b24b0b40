/**
 * What may stand on a disk after its power was cut: all that was written before the last flush, the forced writes since, and of the
 * others any part, in any combination. Pure, so that a table can show what it makes of a log.
 */
import type { LogEntry, LoggedWrite } from "./write-log.ts";

/** Disks write this much as a whole; longer writes may be torn. */
export const BLOCK = 4096;

/** One write that reached the disk, or its first `length` bytes. */
export interface KeptWrite {
  readonly entry: number;
  readonly length: number;
}

export interface ReplayState {
  /** The power was cut when so many entries of the log had been issued. */
  readonly cut: number;
  /** All entries before this one reached the disk … */
  readonly base: number;
  /** … and these, in this order. */
  readonly kept: readonly KeptWrite[];
  readonly isAtFlush: boolean;
}

export interface StateRequest {
  /** The first entry that is the operation's. */
  readonly begin: number;
  /** The entries that had been issued when it had ended. */
  readonly end: number;
  readonly count: number;
  /** Random numbers below a limit. */
  readonly random: (limit: number) => number;
}

/**
 * At most `count` different states, in the order in which bases grow. An eighth are cuts right after the operation's end, which has
 * promised something; at most as many as half are the states at flushes since `begin`; the others are cuts anywhere between flushes,
 * with a random part of the writes since. Fewer where the log has not so many.
 */
export function replayStates(log: readonly LogEntry[], { begin, end, count, random }: StateRequest): ReplayState[] {
  const flushes = [begin, ...positionsAfterFlush(log, begin)];
  const states = new Map<string, ReplayState>();
  const take = (state: ReplayState): void => void states.set(keyOf(state), state);
  const atEnd = flushes.findLast((at) => at <= end)!;
  const pending = writesBetween(log, atEnd, end);
  take({
    cut: end,
    base: atEnd,
    kept: pending.filter((entry) => writeOf(log, entry).isForced).map(whole(log)),
    isAtFlush: false,
  });
  for (let turn = 1; turn < count / 8 && pending.length > 0; turn++) take(randomState(log, atEnd, pending, end, random));
  for (const at of sample(flushes, Math.ceil(count / 2), random)) take({ cut: at, base: at, kept: [], isAtFlush: true });
  const stretches = flushes
    .map((base, index) => ({ base, writes: writesBetween(log, base, flushes[index + 1] ?? log.length) }))
    .filter(({ writes }) => writes.length > 0);
  const all = stretches.flatMap(({ writes }, stretch) => writes.map((_, index) => ({ stretch, last: index })));
  for (let attempt = 0; attempt < count * 40 && states.size < count && all.length > 0; attempt++) {
    // By turns: any stretch, the short ones as often as the long, and any write.
    const picked = attempt % 2 === 0 ? all[random(all.length)]! : anyOf(stretches, random);
    const { base, writes } = stretches[picked.stretch]!;
    take(randomState(log, base, writes.slice(0, picked.last + 1), writes[picked.last]! + 1, random));
  }
  return [...states.values()].toSorted((one, other) => one.base - other.base || one.cut - other.cut);
}

function positionsAfterFlush(log: readonly LogEntry[], begin: number): number[] {
  return log.flatMap(({ kind }, index) => (index >= begin && kind === "flush" ? [index + 1] : []));
}

function writesBetween(log: readonly LogEntry[], base: number, end: number): number[] {
  return log.slice(base, end).flatMap(({ kind }, index) => (kind === "flush" ? [] : [base + index]));
}

function anyOf(stretches: readonly { writes: readonly number[] }[], random: StateRequest["random"]) {
  const stretch = random(stretches.length);
  return { stretch, last: random(stretches[stretch]!.writes.length) };
}

/** The ways in which writes get lost, from which one is drawn: each finds other mistakes. */
const PATTERNS: readonly ((random: StateRequest["random"], count: number) => (index: number) => boolean)[] = [
  () => () => true,
  (random) => () => random(2) === 0,
  (random) => () => random(10) > 0,
  (random, count) => isOther(random(count)),
  (random, count) => isSame(random(count)),
];

function isSame(chosen: number): (index: number) => boolean {
  return (index) => index === chosen;
}

function isOther(chosen: number): (index: number) => boolean {
  return (index) => index !== chosen;
}

function randomState(
  log: readonly LogEntry[],
  base: number,
  writes: readonly number[],
  cut: number,
  random: StateRequest["random"],
): ReplayState {
  const isKept = PATTERNS[random(PATTERNS.length)]!(random, writes.length);
  const kept = writes.filter((entry, index) => writeOf(log, entry).isForced || isKept(index)).map(whole(log));
  const long = kept.flatMap(({ entry, length }, index) => (length > BLOCK && !writeOf(log, entry).isForced ? [index] : []));
  if (long.length > 0 && random(2) === 0) {
    const torn = long[random(long.length)]!;
    const blocks = Math.ceil(kept[torn]!.length / BLOCK);
    kept[torn] = { entry: kept[torn]!.entry, length: BLOCK * (1 + random(blocks - 1)) };
  }
  return { cut, base, kept, isAtFlush: false };
}

function whole(log: readonly LogEntry[]): (entry: number) => KeptWrite {
  return (entry) => ({ entry, length: writeOf(log, entry).length });
}

function writeOf(log: readonly LogEntry[], entry: number): LoggedWrite {
  return log[entry] as LoggedWrite;
}

/** Two states are one where the same stands on the disk and the same had been promised. */
function keyOf({ cut, base, kept }: ReplayState): string {
  return `${cut}:${base}:${kept.map(({ entry, length }) => `${entry}/${length}`).join(",")}`;
}

function sample<T>(items: readonly T[], count: number, random: StateRequest["random"]): T[] {
  if (items.length <= count) return [...items];
  const rest = [...items];
  return Array.from({ length: count }, () => rest.splice(random(rest.length), 1)[0]!);
}
