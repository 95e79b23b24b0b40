/** What was done to a machine, for people. */
import type { Operation } from "../../machine/switch/operation-log.ts";

export function operationLine({ number, kind, time, state, to, reverses, removed }: Operation): string {
  const what = reverses === undefined ? `${kind} to ${to.slice(0, 10)}` : `undo of ${reverses}`;
  const gone = removed === undefined ? "" : `  (no undo: the replaced root was removed on ${removed.slice(0, 10)})`;
  return `${number}  ${time.slice(0, 19).replace("T", " ")}  ${state.padEnd(8)}  ${what}${gone}`;
}

/** What has happened, and what comes next. */
export function operationText({ number, state, bootClass, replaced }: Operation): string {
  if (state === "armed")
    return `Operation ${number} is armed: it happens at the end of the next shutdown. \`regrow undo\` takes it back.`;
  const where = bootClass === "c" ? "The next start takes the new root." : "The root is switched.";
  return `Operation ${number} is done. ${where} The replaced one is kept at ${replaced}; \`regrow undo\` brings it back.`;
}
