/**
 * Progress, as the library tells it. The library never prints: it calls an observer, and whoever called the library
 * decides what a person sees.
 */

/** One report of progress. Totals are 0 as long as they are not known. */
export interface ProgressEvent {
  readonly kind: "progress";
  /** What is being done, such as `scan`, `write`, `verify`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Bytes done, and of how many. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/** Something that a person should know and that is no error: a skipped socket, a torn file. */
export interface NoticeEvent {
  readonly kind: "notice";
  readonly code: string;
  readonly message: string;
  readonly path?: string;
}

export type RegrowEvent = ProgressEvent | NoticeEvent;

/** What each long operation of the library takes besides its own arguments. */
export interface Observer {
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RegrowEvent) => void;
}

export function report(observer: Observer, phase: string, counts: Partial<Omit<ProgressEvent, "kind" | "phase">>): void {
  observer.onEvent?.({ kind: "progress", phase, done: 0, total: 0, bytes: 0, totalBytes: 0, ...counts });
}

export function notice(observer: Observer, code: string, message: string, path?: string): void {
  observer.onEvent?.(path === undefined ? { kind: "notice", code, message } : { kind: "notice", code, message, path });
}
