/** Programs that this machine needs for its switches and starts. */
import type { DoctorFacts } from "../facts.ts";
import { type Said, orOk, problem, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";
import { installCommand } from "../../../sys/program-packages.ts";

export function checkPrograms(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.programs, ({ needed, distribution }) => {
    const found = needed
      .filter(({ isThere }) => !isThere)
      .map(({ program, why, isVital }): Said => {
        const say = isVital ? problem : warning;
        return say(`${program}: this program is missing; ${why}.`, `\`${installCommand(program, distribution)}\``);
      });
    return orOk(
      found,
      needed.length === 0 ? "None is needed." : `${needed.map(({ program }) => program).join(", ")}: installed.`,
    );
  });
}
