import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { commitFiles } from "../../support/histories.ts";
import { newRepository } from "../../support/repositories.ts";
import { startRegrow } from "../../support/run-child.ts";
import { scratchFolder } from "../../support/scratch.ts";

async function changesOf(args: readonly string[], trace: string): Promise<string[]> {
  const { code, stderr } = await startRegrow(args, { REGROW_FAIL_TRACE: trace }).ended;
  assert.equal(code, 0, stderr);
  return readFileSync(trace, "utf8").trim().split("\n");
}

test("a checkout that is asked for it is on the disk before it has its name, and its name before the end", async (t) => {
  const scratch = scratchFolder(t);
  const repository = newRepository(t, `${scratch}/repo`, "bare-user");
  await commitFiles(repository, scratch, { "etc/one": "1", "etc/two": "2" });
  const args = ["checkout", "--repo", repository.path, "--fsync"];
  const folder = await changesOf([...args, "main", `${scratch}/out`], `${scratch}/trace-folder`);
  assert.deepEqual(folder.slice(-3), ["syncfs", "renameat2", "syncfs"]);
  const file = await changesOf([...args, "--subpath=/etc/one", "main", `${scratch}/one`], `${scratch}/trace-file`);
  assert.equal(file.at(-1), "syncfs");
});
