/** The repository: does every ref lead to a commit, and how old is the last one? */
import type { DoctorFacts } from "../facts.ts";
import { type Said, counted, orOk, problem, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";

const DAY_MILLISECONDS = 86_400_000;

export function checkRepository(facts: DoctorFacts): readonly Said[] {
  if ("unseen" in facts.repository) {
    const cure = "Look at all of it: `regrow fsck`.";
    return [problem(`The repository can't be opened: ${facts.repository.unseen}`, cure)];
  }
  return ofSeen(facts.repository, ({ bad, refs, branch, last }) => {
    const found = bad.map(({ ref, reason }): Said =>
      problem(`${ref}: ${reason}`, "Look at all of it: `regrow fsck`; with a copy elsewhere `regrow fsck --repair-from REPO`."),
    );
    if (last === undefined && found.length === 0)
      return [warning(`${branch}: there is no commit yet, so there is nothing to go back to.`, "`regrow commit -m first`")];
    const days = last === undefined ? 0 : Math.max(0, Math.floor((facts.now - last.timestamp * 1000) / DAY_MILLISECONDS));
    return orOk(found, `${counted(refs, "ref")}, each with its commit; the last commit is ${counted(days, "day")} old.`);
  });
}
