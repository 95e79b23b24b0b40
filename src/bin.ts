/** The entry of the program. What a command needs is loaded when it runs, so that `regrow --version` loads next to nothing. */
import process from "node:process";
import { runCommandLine } from "./cli/main.ts";

void runCommandLine(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
