/** What the commands that make a commit have in common: options of the commit itself, and how its result is told. */
import { RegrowError } from "../base/errors.ts";
import type { Variant } from "../codec/gvariant/value.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { type CommitOptions, type CommitResult, type CommitSource, commitTree } from "../store/commit.ts";
import type { Repository } from "../store/repository.ts";
import { resolveRevision } from "../store/revision.ts";
import type { Context } from "./context.ts";
import { MESSAGE_OPTIONS, type MessageOptions, readMessage } from "./message.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { commitCountsText, notStoredText } from "./render/commit-counts.ts";
import { parseId, parsePair } from "./value-parsers.ts";

export interface MakeCommitOptions extends MessageOptions {
  readonly branch?: string;
  readonly orphan?: boolean;
  readonly parent?: string;
  readonly ownerUid?: number;
  readonly ownerGid?: number;
  readonly canonicalPermissions?: boolean;
  readonly noXattrs?: boolean;
  readonly addMetadataString?: readonly (readonly [string, string])[];
  readonly bindRef?: readonly string[];
  readonly noSidecar?: boolean;
  readonly skipIfUnchanged?: boolean;
}

export const BRANCH_OPTIONS: readonly OptionDefinition[] = [
  { short: "b", long: "branch", value: "BRANCH", summary: "the branch that the commit continues", completes: "ref" },
  { long: "orphan", summary: "a commit that no branch names" },
  { long: "parent", value: "COMMIT", summary: "in place of what the branch names; none: no parent", completes: "revision" },
];

export const COMMIT_OPTIONS: readonly OptionDefinition[] = [
  ...MESSAGE_OPTIONS,
  { long: "owner-uid", value: "UID", summary: "owner of everything", parse: parseId },
  { long: "owner-gid", value: "GID", summary: "group of everything", parse: parseId },
  { long: "canonical-permissions", summary: "owner root, no permissions beyond 0755" },
  { long: "no-xattrs", summary: "leave extended attributes out" },
  { long: "no-sidecar", summary: "leave out times, flags, hard links, holes, devices and odd names" },
  { long: "skip-if-unchanged", summary: "no new commit where it would equal its parent" },
  { long: "add-metadata-string", value: "KEY=VALUE", summary: "metadata of the commit", repeated: true, parse: parsePair },
  { long: "bind-ref", value: "REF", summary: "write a ref name into the commit", repeated: true, completes: "ref" },
];

/** Throws `usage` where it is not clear which branch is meant. */
export function checkBranch(command: string, { branch, orphan }: MakeCommitOptions): void {
  if (branch !== undefined && orphan === true) {
    throw new RegrowError("usage", `${command}: --branch and --orphan exclude each other.`);
  }
  if (branch === undefined && orphan !== true) {
    const hint = "Name it: -b main. A commit without a branch: --orphan.";
    throw new RegrowError("usage", `${command}: which branch?`, { hint });
  }
}

/** Commits the sources and prints the checksum. */
export async function makeCommit(
  { out, global, observer }: Pick<Context, "out" | "global" | "observer">,
  repository: Repository,
  sources: readonly CommitSource[],
  options: MakeCommitOptions,
  more: Partial<CommitOptions> = {},
): Promise<void> {
  const startedAt = performance.now();
  const result = await commitTree(repository, { ...commitOptions(repository, options), ...more, sources }, observer);
  tellCommit({ out, global }, result, options.branch, startedAt);
}

/** `startedAt`: by performance.now(). */
export function tellCommit(
  { out, global }: Pick<Context, "out" | "global">,
  result: CommitResult,
  branch: string | undefined,
  startedAt: number,
): void {
  out.say(commitCountsText(result, (performance.now() - startedAt) / 1000));
  const lost = notStoredText(result.counts);
  if (lost !== undefined) out.say(`${lost}${result.counts.sockets > 0 && !global.verbose ? " (-v names them)" : ""}`);
  if (global.json) out.json(resultJson(result, branch));
  else out.print(result.commit);
}

function commitOptions(repository: Repository, options: MakeCommitOptions): Omit<CommitOptions, "sources"> {
  return {
    branch: options.branch,
    parent: parentOf(repository, options.parent),
    ...readMessage(options),
    metadata: options.addMetadataString?.map(([key, value]): [string, Variant] => [key, { type: "s", value }]),
    timestamp: options.timestamp,
    bindRefs: options.bindRef,
    sidecar: options.noSidecar !== true,
    skipUnchanged: options.skipIfUnchanged === true,
    // Undefined leaves it to the mode of the repository.
    canonicalPermissions: options.canonicalPermissions,
    noXattrs: options.noXattrs,
    ownerUid: options.ownerUid,
    ownerGid: options.ownerGid,
  };
}

function parentOf(repository: Repository, parent: string | undefined): Checksum | null | undefined {
  if (parent === undefined) return undefined;
  return parent === "none" ? null : resolveRevision(repository, parent);
}

function resultJson({ commit, isNew, tree, parent, counts }: CommitResult, branch: string | undefined): object {
  return { commit, branch: branch ?? null, isNew, tree, parent: parent ?? null, counts };
}
