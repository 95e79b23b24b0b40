/** What a test needs from the machine. A test that can't run says by name what is missing; it never passes silently. */
import process from "node:process";
import type { TestContext } from "node:test";
import { debianPackageOf, findProgram } from "../../src/sys/program-packages.ts";

export interface Needs {
  readonly root?: boolean;
  readonly programs?: readonly string[];
}

/** True where the test can go on. Else it is skipped, with a message that names what is missing. */
export function requires(t: TestContext, needs: Needs): boolean {
  const missing = missingNeeds(needs);
  if (missing.length > 0) t.skip(`needs ${missing.join(", ")}`);
  return missing.length === 0;
}

function missingNeeds(needs: Needs): string[] {
  const missing = needs.root && process.getuid?.() !== 0 ? ["root"] : [];
  for (const program of needs.programs ?? []) {
    if (findProgram(program) === undefined) missing.push(`${program} (Debian package ${debianPackageOf(program)})`);
  }
  return missing;
}
