/** The status of a machine, for people. */
import { formatSize } from "../../base/units.ts";
import type { MachineStatus } from "../../machine/status.ts";
import { countOf } from "./commit-counts.ts";

/** `now`: milliseconds since 1970. */
export function statusLines(status: MachineStatus, now: number): string[] {
  const { host, os, branch, last, changed, pending, refused, snapshots, replaced, available } = status;
  return [
    `machine     ${host}, ${os}`,
    `branch      ${branch}`,
    `last        ${last === undefined ? "no commit yet" : `${last.commit.slice(0, 10)}  ${ageOf(now - last.timestamp * 1000)}  ${last.subject}`}`,
    ...(last === undefined
      ? []
      : [`changed     ${changed === undefined ? "not known without reading everything" : countOf(changed, "entry", "entries")}`]),
    ...(pending === undefined
      ? []
      : [`pending     operation ${pending.number}, a ${pending.kind}: at the end of the next shutdown`]),
    ...(refused === undefined ? [] : [`refused     ${refused}`]),
    `kept        ${countOf(snapshots, "snapshot", "snapshots")}, ${countOf(replaced, "replaced root", "replaced roots")}`,
    `free        ${formatSize(available)}`,
    `next        ${nextStep(status)}`,
  ];
}

function nextStep({ last, changed, pending }: MachineStatus): string {
  if (pending !== undefined) return "reboot, or `regrow undo` to take it back";
  if (last === undefined) return "`regrow commit -m first`";
  if (changed === 0) return "nothing: this state is kept";
  return "`regrow commit` keeps it, `regrow rollback` goes back to the last commit";
}

function ageOf(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 60) return `${countOf(minutes, "minute", "minutes")} ago`;
  if (minutes < 48 * 60) return `${countOf(Math.floor(minutes / 60), "hour", "hours")} ago`;
  return `${countOf(Math.floor(minutes / (24 * 60)), "day", "days")} ago`;
}
