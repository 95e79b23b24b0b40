/** A process that does one pull, to be killed in the middle of it: SOURCE TARGET, by one worker. */
import process from "node:process";
import { RegrowError } from "../../src/base/errors.ts";
import { repositorySource } from "../../src/store/pull/object-source.ts";
import { pull } from "../../src/store/pull/pull.ts";
import { openRepository } from "../../src/store/repository.ts";

const [source, target] = process.argv.slice(2) as [string, string];
try {
  await pull(openRepository(target), repositorySource(openRepository(source)), { workers: 1, publishBytes: 1 });
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  console.log(error.code);
  process.exitCode = error.exitCode;
}
