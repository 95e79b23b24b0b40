/** A process that does one prune, to be killed in the middle of it: REPOSITORY RULES, which are JSON. */
import process from "node:process";
import { prune } from "../../src/store/prune/prune.ts";
import { withRepository } from "../../src/store/repository.ts";

const [path, rules] = process.argv.slice(2) as [string, string];
const report = await withRepository(path, (repository) => prune(repository, JSON.parse(rules) as object));
console.log(JSON.stringify(report));
