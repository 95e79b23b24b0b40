/** The plan of a setup, for people. */
import type { UndoPlan } from "../../machine/setup/setup.ts";
import type { SetupPlan } from "../../machine/setup/setup-plan.ts";

export function setupPlanLines({ facts, steps, checks, notes }: SetupPlan): string[] {
  const place =
    facts.rootSubvolume === undefined
      ? ""
      : facts.rootSubvolume === ""
        ? ", the top level"
        : `, subvolume ${facts.rootSubvolume}`;
  return [
    `root        ${facts.fileSystem} on ${facts.device}${place}`,
    `packages    ${facts.packageManager ?? "no package manager known"}`,
    `carried     ${facts.carry.map(({ path }) => path).join(" ")}`,
    ...steps.map(({ isDone, what }) => `${isDone ? "done " : "to do"}       ${what}`),
    ...checks.map(
      ({ name, finding, problem }) =>
        `${problem === undefined ? "ok   " : "FAIL "}       ${name}: ${problem?.message ?? finding}`,
    ),
    ...notes.map((note) => `note        ${note}`),
  ];
}

export function undoPlanLines({ steps, notes }: UndoPlan): string[] {
  return [...steps.map(({ what }) => `remove      ${what}`), ...notes.map((note) => `stays       ${note}`)];
}
