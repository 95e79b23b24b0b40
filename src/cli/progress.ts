/**
 * What a person sees of a long operation: on a terminal a line that is drawn anew, elsewhere a line now and then, with --json
 * the events themselves. All of it goes to stderr, and nothing for what takes less than a second (without a terminal: less than ten).
 */
import process from "node:process";
import type { NoticeEvent, ProgressEvent, RegrowEvent } from "../base/events.ts";
import { type ProgressSample, progressLine } from "./render/progress-line.ts";

export interface Progress {
  take(event: RegrowEvent): void;
  /** Takes the line off the terminal, so that something else can be written there. */
  hide(): void;
  /** Ends it. */
  stop(): void;
}

export interface ProgressOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

const FIRST_AFTER = 1000;
const TERMINAL_EVERY = 100;
const LINES_EVERY = 10_000;
const JSON_EVERY = 1000;
/** Notices that only --verbose shows; the end of the command counts them. */
const MINOR = new Set(["socket"]);
const CLEAR = "\r\u001b[K";

export function createProgress({ json, quiet, verbose }: ProgressOptions): Progress {
  const terminal = process.stderr.isTTY && !json;
  const every = json ? JSON_EVERY : terminal ? TERMINAL_EVERY : LINES_EVERY;
  const startedAt = performance.now();
  let phase = "";
  let phaseStartedAt = startedAt;
  let lastAt = terminal || json ? startedAt + FIRST_AFTER - every : startedAt;
  let shown = false;

  function hide(): void {
    if (shown) process.stderr.write(CLEAR);
    shown = false;
  }

  function takeProgress(event: ProgressEvent): void {
    const now = performance.now();
    if (event.phase !== phase) {
      phase = event.phase;
      phaseStartedAt = now;
    }
    if (now - lastAt < every) return;
    lastAt = now;
    const sample: ProgressSample = { ...event, seconds: (now - phaseStartedAt) / 1000 };
    if (json) process.stderr.write(`${JSON.stringify({ type: "progress", ...event, kind: undefined })}\n`);
    else if (terminal) {
      process.stderr.write(CLEAR + progressLine(sample, process.stderr.columns));
      shown = true;
    } else process.stderr.write(`${progressLine(sample)}\n`);
  }

  function takeNotice(event: NoticeEvent): void {
    if (MINOR.has(event.code) && !verbose) return;
    hide();
    if (json) process.stderr.write(`${JSON.stringify({ type: "notice", ...event, kind: undefined })}\n`);
    else process.stderr.write(`${event.path === undefined ? "" : `${event.path}: `}${event.message}\n`);
  }

  return {
    hide,
    stop: hide,
    take(event) {
      if (quiet) return;
      if (event.kind === "progress") takeProgress(event);
      else takeNotice(event);
    },
  };
}
