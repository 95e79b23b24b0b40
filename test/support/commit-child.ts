/** A process that makes one commit: REPOSITORY BRANCH FOLDER. Prints the commit. */
import process from "node:process";
import { commitTree } from "../../src/store/commit.ts";
import { withRepository } from "../../src/store/repository.ts";

const [path, branch, folder] = process.argv.slice(2) as [string, string, string];
const { commit } = await withRepository(path, (repository) =>
  commitTree(repository, { branch, sources: [{ kind: "dir", path: folder }], workers: 1, useCache: false }),
);
console.log(commit);
