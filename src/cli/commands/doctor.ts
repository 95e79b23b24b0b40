/** `regrow doctor`: what would make a rollback or a start fail, each with its cure. */
import { EXIT } from "../../base/exit-codes.ts";
import { examineMachine } from "../../machine/doctor/doctor.ts";
import { defineCommand } from "../definition.ts";
import { findingLines } from "../render/finding-lines.ts";

export const doctor = defineCommand({
  description:
    "Looks at the boot loader, kernels, fstab, room, programs, the engine, the repository and what earlier commands have left, and changes nothing. Ends with 1 where it finds a problem; warnings don't count. Without root it looks at what it may, and says what it could not see. With --quiet only problems are told, with --verbose also what there is nothing of on this machine.",
  arguments: [],
  options: [],
  examples: [
    { line: "regrow doctor", what: "this machine" },
    { line: "regrow doctor --sysroot /mnt", what: "one that does not start, from a rescue system" },
    { line: "regrow doctor -q || mail -s doctor root", what: "in a timer" },
  ],
  exitCodes: [],
  dryRun: "reads",
  async run({ global, out, observer }) {
    const findings = await examineMachine(global.sysroot ?? "/", observer);
    if (global.json) for (const finding of findings) out.json(finding);
    else for (const line of findingLines(findings, global)) out.print(line);
    const problems = findings.filter(({ severity }) => severity === "problem").length;
    return problems === 0 ? EXIT.done : EXIT.failure;
  },
});
