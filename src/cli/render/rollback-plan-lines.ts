/** The plan of a rollback, for people. */
import type { RollbackPlan } from "../../machine/rollback/rollback-plan.ts";

export function rollbackPlanLines(plan: RollbackPlan): string[] {
  const { target, subject, timestamp, uncommitted, carried, nested, kernel, isArmed, checks } = plan;
  const time = new Date(timestamp * 1000).toISOString().slice(0, 16).replace("T", " ");
  return [
    `back to     ${target.slice(0, 10)}  ${time}  ${subject}`,
    `first       ${uncommitted === 0 ? "nothing has changed since the last commit" : "a commit of the machine as it is now"}`,
    `carried     ${carried.map((path) => `/${path}`).join(" ") || "nothing"}`,
    ...nested.map((path) => `goes on     /${path}, a subvolume of its own`),
    `kernel      ${kernel?.release ?? "none"}`,
    `when        ${isArmed ? "at the end of the next shutdown" : "now"}`,
    ...checks.map(
      ({ name, finding, problem }) => `${problem === undefined ? "ok  " : "FAIL"}        ${name}: ${problem?.message ?? finding}`,
    ),
  ];
}
