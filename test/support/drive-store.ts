/**
 * Work on a repository in a process of its own, so that it can be stopped: `drive-store.ts '<json>'`. Prints the result as
 * JSON; exits as the command line would.
 */
import process from "node:process";
import { RegrowError } from "../../src/base/errors.ts";
import { checkoutCommit, type CheckoutOptions } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import { withRepository } from "../../src/store/repository.ts";
import { resolveRevision } from "../../src/store/revision.ts";

export type StoreWork =
  | { readonly kind: "commit"; readonly path: string; readonly branch: string; readonly subject?: string }
  | { readonly kind: "checkout"; readonly revision: string; readonly target: string; readonly options?: CheckoutOptions };

const [repositoryPath, json] = process.argv.slice(2) as [string, string];
const work = JSON.parse(json) as StoreWork;

try {
  const result = await withRepository(repositoryPath, async (repository) => {
    if (work.kind === "checkout") {
      const commit = resolveRevision(repository, work.revision);
      return checkoutCommit(repository, commit, work.target, { workers: 1, ...work.options });
    }
    const { path, branch, subject } = work;
    return commitTree(repository, { branch, subject, sources: [{ kind: "dir", path }], workers: 1 });
  });
  process.stdout.write(`${JSON.stringify(result)}\n`);
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
