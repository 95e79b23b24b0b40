/** A process that thins by a policy, to be killed in the middle of it: REPOSITORY POLICY, which is JSON. */
import process from "node:process";
import { planThinning } from "../../src/store/prune/plan-thinning.ts";
import { prune } from "../../src/store/prune/prune.ts";
import { type RetentionPolicy } from "../../src/store/prune/retention-policy.ts";
import { withRepository } from "../../src/store/repository.ts";

const [path, policy] = process.argv.slice(2) as [string, string];
await withRepository(path, async (repository) => {
  const { thinCommits } = await planThinning(repository, { policy: JSON.parse(policy) as RetentionPolicy });
  await prune(repository, { thinCommits });
});
