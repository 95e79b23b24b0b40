/** The kernel's command line, where it stands for the next start: a root by its id defeats a switch by names. */
import { RegrowError } from "../../../base/errors.ts";
import { parameterValue, splitCommandLine } from "../../../codec/kernel-command-line.ts";
import type { CommandLineFact, DoctorFacts } from "../facts.ts";
import { type Said, orOk, problem, skipped, warning } from "../finding.ts";
import { ofSeen } from "../looked.ts";
import { isByName } from "./fstab.ts";
import { rootParameterFindings, subvolumeFlags } from "./parameters.ts";

export function checkCommandLine(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.commandLines, (lines) => {
    if (lines.length === 0) return [skipped("There is no command line in /etc/default/grub or /etc/kernel/cmdline.")];
    const places = lines.map(({ path }) => path).join(", ");
    return orOk(
      lines.flatMap((line) => findings(facts, line)),
      `${places}: nothing stands in the way of a switch.`,
    );
  });
}

function findings(facts: DoctorFacts, { path, text }: CommandLineFact): Said[] {
  let parameters: string[];
  try {
    parameters = splitCommandLine(text);
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    return [warning(`${path}: ${error.message}`, "Close the quote.")];
  }
  const cure = cureFor(path);
  // What the running kernel was given is history, but the subvolume's id may be given again.
  const found = path === "/proc/cmdline" ? [] : rootParameterFindings(facts, path, parameters, cure);
  const { id } = subvolumeFlags(parameterValue(parameters, "rootflags") ?? "");
  if (id !== undefined && isByName(facts)) {
    const message = `${path}: rootflags=subvolid=${id} names the root by its id: a switch exchanges names, and the engine refuses.`;
    found.push(problem(message, cure));
  }
  if (parameters.includes("regrow.switch=skip"))
    found.push(warning(`${path}: regrow.switch=skip keeps the engine from carrying out any switch.`, cure));
  return found;
}

function cureFor(path: string): string {
  if (path === "/proc/cmdline")
    return "Start with rootflags=subvol=NAME: mend the boot loader's configuration and reboot, or choose another entry of the menu.";
  return path === "/etc/default/grub" ? "Mend it, then `update-grub`." : "Mend it, then `kernel-install add-all`.";
}
