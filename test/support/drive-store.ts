/**
 * Work on a repository in a process of its own, so that it can be stopped: `drive-store.ts REPOSITORY '<json>'`. Prints a line
 * when it begins and the result as JSON when it is done; exits as the command line would. Commits are as old as 2001, so that
 * the same work makes the same changes.
 */
import process from "node:process";
import { RegrowError } from "../../src/base/errors.ts";
import { checkoutCommit, type CheckoutOptions } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { withRepository } from "../../src/store/repository.ts";
import { resolveRevision } from "../../src/store/revision.ts";

export type StoreWork =
  | { readonly kind: "commit"; readonly path: string; readonly branches: readonly string[]; readonly subject?: string }
  | { readonly kind: "checkout"; readonly revision: string; readonly target: string; readonly options?: CheckoutOptions };

const [repositoryPath, json] = process.argv.slice(2) as [string, string];
const work = JSON.parse(json) as StoreWork;

process.stdout.write("begun\n");
try {
  const result = await withRepository(repositoryPath, async (repository) => {
    if (work.kind === "checkout") {
      const commit = resolveRevision(repository, work.revision);
      return checkoutCommit(repository, commit, work.target, { workers: 1, ...work.options });
    }
    const results = [];
    for (const branch of work.branches) {
      const sources = [{ kind: "dir" as const, path: work.path }];
      const { commit } = await commitTree(repository, { branch, subject: work.subject, sources, timestamp: 1e9, workers: 1 });
      results.push(commit);
    }
    return results;
  });
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
