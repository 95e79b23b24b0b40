/** `regrow status`: where the machine stands, and what to do next. */
import { EXIT } from "../../base/exit-codes.ts";
import { machineStatus } from "../../machine/status.ts";
import { defineCommand } from "../definition.ts";
import { statusLines } from "../render/status-lines.ts";

export const status = defineCommand({
  description:
    "The last commit, how much has changed since, what waits for the next shutdown, how much room there is, and what to do next.",
  arguments: [],
  options: [],
  examples: [{ line: "regrow status", what: "of this machine" }],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.missing],
  dryRun: "reads",
  run: ({ global, out, observer, withMachine }) =>
    withMachine(async (machine) => {
      const found = await machineStatus(machine, observer);
      if (global.json) out.json(found);
      else for (const line of statusLines(found, Date.now())) out.print(line);
    }),
});
