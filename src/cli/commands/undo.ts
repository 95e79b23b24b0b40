/** `regrow undo`: the last operation on the machine is reversed. */
import { EXIT } from "../../base/exit-codes.ts";
import { listOperations, undo as reverse } from "../../machine/rollback/undo.ts";
import { defineCommand } from "../definition.ts";
import { operationLine, operationText } from "../render/operation-text.ts";

interface Options {
  readonly list?: boolean;
}

export const undo = defineCommand<Options>({
  description:
    "A switch that waits for the shutdown is taken back. One that has happened is reversed: the root that it replaced takes its place again, to the byte. Undoing an undo does the thing again.",
  arguments: [],
  options: [{ long: "list", summary: "what was done, the newest last" }],
  examples: [
    { line: "regrow undo -n", what: "what would be reversed" },
    { line: "regrow undo --list", what: "all that was done" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "supports",
  run: ({ global, out, observer, confirm, withMachine }, { options }) =>
    withMachine(async (machine) => {
      if (options.list === true) {
        for (const operation of await listOperations(machine, observer)) {
          if (global.json) out.json(operation);
          else out.print(operationLine(operation));
        }
        return;
      }
      const result = await reverse(
        machine,
        {
          decide: async (last) => {
            const show = global.dryRun && !global.json ? out.print : out.say;
            show(`${last.state === "armed" ? "take back " : "reverse   "}${operationLine(last)}`);
            if (global.dryRun) return false;
            await confirm("Undo it?");
            return true;
          },
        },
        observer,
      );
      if (global.json) out.json({ reversed: result.reversed, operation: result.operation ?? null, dryRun: global.dryRun });
      if (global.dryRun) return;
      out.say(
        result.operation === undefined ? "Taken back: the next shutdown changes nothing." : operationText(result.operation),
      );
    }),
});
