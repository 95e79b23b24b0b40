/** Commits an archive onto the branch `main` in a process of its own: REPOSITORY ARCHIVE. Prints the commit, or exits with the error's code. */
import process from "node:process";
import { RegrowError } from "../../src/base/errors.ts";
import { commitTree } from "../../src/store/commit.ts";
import { withRepository } from "../../src/store/repository.ts";

const [path, archive] = process.argv.slice(2) as [string, string];
try {
  const { commit } = await withRepository(path, (repository) =>
    commitTree(repository, { branch: "main", sources: [{ kind: "tar", path: archive }], workers: 1 }),
  );
  console.log(commit);
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  console.error(`${error.code}: ${error.message} ${error.hint}`);
  process.exitCode = error.exitCode;
}
