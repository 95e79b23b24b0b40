/** A process that forgets one path, to be killed in the middle of it: REPOSITORY PATH. */
import process from "node:process";
import { forgetPaths } from "../../src/store/forget/forget.ts";
import { withRepository } from "../../src/store/repository.ts";

const [repositoryPath, forgotten] = process.argv.slice(2) as [string, string];
await withRepository(repositoryPath, (repository) => forgetPaths(repository, { paths: [forgotten] }));
