import assert from "node:assert/strict";
import { test } from "node:test";
import { commitTree } from "../../../src/store/commit.ts";
import { checkRepository } from "../../../src/store/fsck/fsck.ts";
import { repositorySource } from "../../../src/store/pull/object-source.ts";
import { pull } from "../../../src/store/pull/pull.ts";
import { closeRepository, openRepository } from "../../../src/store/repository.ts";
import { newOstreeRepository, newRepository, ostree } from "../../support/repositories.ts";
import { requires } from "../../support/requires.ts";
import { atEnd, scratchFolder } from "../../support/scratch.ts";

/** The only place where links have other permissions than 0777: there they tell how the file is open. */
const ODD_LINKS = "/proc/self/fd";

test("links whose permissions no file system can store are committed with those that it has", async (t) => {
  const repository = newRepository(t, `${scratchFolder(t)}/repo`, "bare-user-only");
  const { counts } = await commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: ODD_LINKS }] });
  assert.ok(counts.files > 0);
  assert.deepEqual((await checkRepository(repository)).bad, []);
});

test("a link with permissions of its own does not come into a repository that would change it", async (t) => {
  if (!requires(t, { programs: ["ostree"] })) return;
  const scratch = scratchFolder(t);
  const path = newOstreeRepository(`${scratch}/source`, "archive");
  ostree(path, "commit", "-b", "main", "-s", "odd", "--canonical-permissions", `--tree=dir=${ODD_LINKS}`);
  const source = openRepository(path);
  atEnd(t, () => closeRepository(source));
  const target = newRepository(t, `${scratch}/target`, "bare-user-only");
  await assert.rejects(pull(target, repositorySource(source)), { code: "unsupported" });
  const fitting = newRepository(t, `${scratch}/fitting`, "bare-user");
  await pull(fitting, repositorySource(source));
  assert.deepEqual((await checkRepository(fitting)).bad, []);
});
