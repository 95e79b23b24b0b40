/** `regrow completion`: what makes a shell complete regrow's commands, options and refs. */
import { RegrowError } from "../../base/errors.ts";
import { SCRIPTS, type Shell } from "../completion/scripts.ts";
import { defineCommand } from "../definition.ts";

export const completion = defineCommand({
  description: "Commands, options, branches and tags are completed; with --repo on the line, those of that repository.",
  arguments: [{ name: "SHELL", summary: "bash, zsh or fish", required: true, completes: Object.keys(SCRIPTS) }],
  options: [],
  examples: [
    { line: "source <(regrow completion bash)", what: "in ~/.bashrc" },
    { line: "regrow completion zsh > ~/.zfunc/_regrow", what: "for zsh" },
    { line: "regrow completion fish | source", what: "in config.fish" },
  ],
  exitCodes: [],
  dryRun: "reads",
  run({ out }, { args: [shell] }) {
    const script = SCRIPTS[shell as Shell];
    if (script !== undefined) return out.print(script.trimEnd());
    throw new RegrowError("usage", `${shell}: no shell that regrow knows.`, { hint: "Choose bash, zsh or fish." });
  },
});
