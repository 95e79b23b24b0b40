/** Is this a machine that regrow keeps, with a configuration that makes sense? */
import type { DoctorFacts } from "../facts.ts";
import { type Said, ok, problem, skipped, unseen, warning } from "../finding.ts";
import { ofSeen, valueOf } from "../looked.ts";

export function checkMachine(facts: DoctorFacts): readonly Said[] {
  const { obstacle, root, sysroot, setup, bootClass } = facts;
  if (obstacle !== undefined) {
    const text = `${sysroot}: can't be looked into as other commands do: ${obstacle.message}`;
    // Without root a part is seen; anything else stops every command.
    return facts.isPrivileged ? [problem(text, obstacle.hint)] : [unseen(`${text} ${obstacle.hint}`)];
  }
  if (facts.isSetUp) {
    const verdict = valueOf(bootClass);
    const loader = valueOf(facts.loader);
    if (loader !== undefined) return [problem(`${loader.message} So a rollback is refused.`, loader.hint)];
    if (verdict !== undefined && "refusal" in verdict)
      return [warning(`${sysroot}: ${verdict.refusal} So there is no rollback.`, verdict.hint)];
    const place = root.subvolume === undefined ? root.type : `${root.type}, subvolume ${root.subvolume.path}`;
    return [ok(`${sysroot}: ${place} on ${root.device}${verdict === undefined ? "" : `, boot class ${verdict.bootClass}`}.`)];
  }
  const obstacles = ofSeen(setup, (checks) =>
    checks.flatMap((check) => (check.problem === undefined ? [] : [problem(check.problem.message, check.problem.hint)])),
  );
  return [
    warning(`${sysroot}: this machine is not set up, so nothing of it is kept.`, "Look at the plan: `regrow setup -n`."),
    ...obstacles,
  ];
}

export function checkConfiguration({ configuration }: DoctorFacts): readonly Said[] {
  if (configuration === undefined) return [ok("/etc/regrow.toml and /etc/regrow.d: all keys are known.")];
  return [problem(`${configuration.message} Every other command stops at it.`, configuration.hint)];
}

export function checkPackageDatabase(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.packages, ({ database, isBesideUsr, volume, carriedBy }) => {
    if (!isBesideUsr) {
      const message = `${database}: is on another volume (${volume}) than /usr: after a rollback it would tell of packages that are not there.`;
      return [
        problem(
          message,
          `Bring it onto the volume of /usr: keep ${volume} as a folder of the root, and mount only what is data.`,
        ),
      ];
    }
    if (carriedBy !== undefined) {
      const message = `${database}: the rule [[carry]] "${carriedBy}" leaves it as it is, so after a rollback it would not fit /usr.`;
      return [problem(message, "Take the rule out of /etc/regrow.toml, or carry the folders in it that are data.")];
    }
    return [ok(`${database}: goes back together with /usr.`)];
  });
}

export function checkClock(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.repository, ({ last }) => {
    if (last === undefined) return [skipped("There is no commit yet to compare the clock with.")];
    if (facts.now >= last.timestamp * 1000) return [ok("The clock is later than the last commit.")];
    const when = new Date(last.timestamp * 1000).toISOString().slice(0, 16).replace("T", " ");
    const message = `The clock is earlier than the last commit (${when} UTC): the rules of \`prune --policy\` and \`log\` go by times.`;
    return [warning(message, "Set the clock: `timedatectl set-ntp true`.")];
  });
}
