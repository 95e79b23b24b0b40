/**
 * The entry of the command line: arguments in, exit code out. What a command needs is loaded when the command runs, so
 * that `regrow --version` loads next to nothing.
 */
import process from "node:process";
import { RegrowError } from "./base/errors.ts";
import { EXIT, type ExitCode } from "./base/exit-codes.ts";
import { VERSION } from "./base/version.ts";

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = complain(error);
  },
);

async function main(args: readonly string[]): Promise<ExitCode> {
  if (args[0] === "--version") {
    process.stdout.write(`regrow ${VERSION}\n`);
    return EXIT.done;
  }
  if (args[0] === "--self-test") {
    const { selfTest } = await import("./machine/self-test.ts");
    const { assets, workerMilliseconds } = await selfTest();
    process.stdout.write(`self-test passed: ${assets} assets, worker in ${workerMilliseconds.toFixed(0)} ms\n`);
    return EXIT.done;
  }
  throw new RegrowError("usage", `${args[0] ?? "no command"}: not a command.`, { hint: "See regrow --version." });
}

function complain(error: unknown): ExitCode {
  if (!(error instanceof RegrowError)) {
    process.stderr.write(`regrow: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT.failure;
  }
  process.stderr.write(`regrow: ${error.message}\n${error.hint === undefined ? "" : `${error.hint}\n`}`);
  return error.exitCode;
}
