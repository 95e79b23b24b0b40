/** Commits a tree, checks it out, and has rsync, lsattr and lseek compare the two. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { checkoutCommit } from "../../src/store/checkout/checkout.ts";
import { commitTree } from "../../src/store/commit.ts";
import type { RepositoryMode } from "../../src/store/repository-config.ts";
import { SOCKET, diskFacts, factDifferences } from "./disk-facts.ts";
import { run, runText, tryRun } from "./programs.ts";
import { newRepository, ostree } from "./repositories.ts";
import { removeTree } from "./scratch.ts";

/** The modes in which nothing of a tree is lost. */
export const KEEPING_MODES: readonly RepositoryMode[] = ["bare", "bare-user", "archive"];
export const FIDELITY_PROGRAMS: readonly string[] = ["ostree", "python3", "rsync", "lsattr"];

/** Works in `folder`, which is on the file system that is to be tested. */
export async function assertComesBack(
  t: TestContext,
  tree: string,
  folder: string,
  modes: readonly RepositoryMode[],
  sockets: number | undefined,
): Promise<void> {
  const before = factsOf(tree);
  const copy = `${folder}/copy`;
  run("cp", ["-a", tree, copy]);
  dropSockets(copy, before);
  for (const mode of modes) {
    const repository = newRepository(t, `${folder}/${mode}`, mode);
    const { commit, counts } = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: tree }] });
    assert.equal(counts.sockets, sockets);
    assert.equal(counts.torn + counts.vanished, 0);
    assert.match(ostree(repository.path, "fsck", "-a"), /no errors found/);
    const target = `${folder}/out-${mode}`;
    const progress = await checkoutCommit(repository, commit, target);
    assert.equal(progress.skippedNodes + progress.refusedFlags, 0);
    assertSameFor("rsync", rsync(copy, target));
    assert.deepEqual(factDifferences(before, factsOf(target)), [], mode);
    assert.deepEqual(lsattr(target), lsattr(tree));
    const again = await commitTree(repository, { branch: "x", sources: [{ kind: "dir", path: target }], skipUnchanged: true });
    assert.equal(again.commit, commit, "the checkout makes another commit");
    t.diagnostic(`${mode}: ${counts.files} files, ${counts.folders} folders, ${counts.bytes} bytes`);
    removeTree(target);
    removeTree(repository.path);
  }
  assert.deepEqual(factDifferences(before, factsOf(tree)), [], "the tree itself was changed");
}

/** Contents are rsync's to compare. */
function factsOf(folder: string): ReturnType<typeof diskFacts> {
  return diskFacts(folder, { withContent: false });
}

function rsync(copy: string, target: string): string {
  const options = ["-aHAXn", "--delete", "--checksum", "--modify-window=-1", "-i"];
  return runText("rsync", [...options, `${copy}/`, `${target}/`]);
}

function assertSameFor(judge: string, differences: string): void {
  assert.equal(differences, "", `${judge} sees differences`);
}

/** cp copies sockets, a commit does not keep them; the folder's time is put back. */
function dropSockets(copy: string, facts: ReturnType<typeof diskFacts>): void {
  for (const [name, { type }] of facts) {
    if (type !== SOCKET) continue;
    const parent = `${copy}/${name}`.replace(/\/[^/]*$/, "");
    run("touch", ["-r", parent, `${copy}.time`]);
    run("rm", [`${copy}/${name}`]);
    run("touch", ["-r", `${copy}.time`, parent]);
  }
}

/** A line for each file, sorted; without what the file system sets for itself (extents, index, inline data). */
function lsattr(folder: string): string[] {
  const { stdout } = tryRun("lsattr", ["-R", "-a", "."], { cwd: folder });
  return stdout
    .toString("latin1")
    .split("\n")
    .filter((line) => line !== "" && !line.endsWith(":"))
    .map((line) => line.replace(/^\S+/, (flags) => flags.replaceAll(/[eIN]/g, "-")))
    .toSorted();
}
