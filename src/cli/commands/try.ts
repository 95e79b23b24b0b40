/** `regrow try`: a tour with real data, without root, that leaves nothing behind. */
import { EXIT } from "../../base/exit-codes.ts";
import { tryOut } from "../../machine/try/try-out.ts";
import { defineCommand } from "../definition.ts";
import { tryStepJson, tryStepLines } from "../render/try-step-lines.ts";

export const tryRegrow = defineCommand({
  description:
    "Copies what it may read of /etc to a temporary folder, keeps it, breaks it, shows what is broken, goes back, and compares the result by " +
    "other means than regrow's own. The folder is removed at the end; nothing else is written.",
  arguments: [],
  options: [],
  examples: [{ line: "regrow try", what: "some seconds" }],
  exitCodes: [EXIT.verification, EXIT.noSpace],
  dryRun: "reads",
  async run({ out, global, observer }) {
    const startedAt = performance.now();
    for await (const step of tryOut(observer)) {
      if (global.json) out.json(tryStepJson(step));
      else for (const line of tryStepLines(step)) out.print(line);
      out.flush();
    }
    if (global.json) return;
    out.print("");
    out.print(`It works here: ${((performance.now() - startedAt) / 1000).toFixed(1)} s, and nothing is left behind.`);
    out.print("Next: regrow init DIR; regrow commit --repo DIR -b main FOLDER; regrow help");
  },
});
