/** `regrow commit`: a folder, or several trees laid over each other, become a commit. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import type { Variant } from "../../codec/gvariant/value.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type CommitOptions, type CommitResult, type CommitSource, commitTree } from "../../store/commit.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import { defineCommand } from "../definition.ts";
import { readMessage } from "../message.ts";
import { commitCountsText, notStoredText } from "../render/commit-counts.ts";
import { parseId, parsePair, parseTime } from "../value-parsers.ts";

interface Options {
  readonly branch?: string;
  readonly tree?: readonly CommitTree[];
  readonly message?: string;
  readonly subject?: string;
  readonly body?: string;
  readonly parent?: string;
  readonly orphan?: boolean;
  readonly ownerUid?: number;
  readonly ownerGid?: number;
  readonly canonicalPermissions?: boolean;
  readonly noXattrs?: boolean;
  readonly addMetadataString?: readonly (readonly [string, string])[];
  readonly bindRef?: readonly string[];
  readonly timestamp?: number;
  readonly oneFileSystem?: boolean;
  readonly noSidecar?: boolean;
  readonly strict?: boolean;
  readonly skipIfUnchanged?: boolean;
}

interface CommitTree {
  readonly kind: "dir" | "ref";
  readonly value: string;
}

export const commit = defineCommand<Options>({
  description:
    "The last line on stdout is the checksum of the commit. DIR comes before what --tree names; each is laid over what came before it.",
  arguments: [{ name: "DIR", summary: "the folder to keep", completes: "folder" }],
  options: [
    { short: "b", long: "branch", value: "BRANCH", summary: "the branch that the commit continues", completes: "ref" },
    { long: "tree", value: "dir=DIR|ref=COMMIT", summary: "a folder, or the tree of a commit", repeated: true, parse: parseTree },
    { short: "m", long: "message", value: "TEXT", summary: "first line: subject; rest: body" },
    { short: "s", long: "subject", value: "TEXT", summary: "the subject" },
    { long: "body", value: "TEXT", summary: "the body" },
    { long: "parent", value: "COMMIT", summary: "in place of what the branch names; none: no parent", completes: "revision" },
    { long: "orphan", summary: "a commit that no branch names" },
    { long: "owner-uid", value: "UID", summary: "owner of everything", parse: parseId },
    { long: "owner-gid", value: "GID", summary: "group of everything", parse: parseId },
    { long: "canonical-permissions", summary: "owner root, no permissions beyond 0755" },
    { long: "no-xattrs", summary: "leave extended attributes out" },
    { long: "add-metadata-string", value: "KEY=VALUE", summary: "metadata of the commit", repeated: true, parse: parsePair },
    { long: "bind-ref", value: "REF", summary: "write a ref name into the commit", repeated: true, completes: "ref" },
    { long: "timestamp", value: "TIME", summary: "in place of now: ISO 8601, or @ and seconds", parse: parseTime },
    { long: "one-file-system", summary: "don't enter other file systems mounted below" },
    { long: "no-sidecar", summary: "leave out times, flags, hard links, holes, devices and odd names" },
    { long: "strict", summary: "fail where something can't be kept or changes meanwhile" },
    { long: "skip-if-unchanged", summary: "no new commit where it would equal its parent" },
  ],
  examples: [
    { line: "regrow commit -b main -m 'Before the upgrade' /etc", what: "keep /etc" },
    { line: "regrow commit -b image --tree=ref=base --tree=dir=overlay", what: "a folder over a commit" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.noSpace, EXIT.missing],
  dryRun: "refuses",
  async run(context, { args, options }) {
    const startedAt = performance.now();
    const sources = sourcesOf(args[0], options);
    await context.withRepository(async (repository) => {
      const result = await commitTree(repository, commitOptions(repository, sources, options), context.observer);
      const { out, global } = context;
      out.say(commitCountsText(result, (performance.now() - startedAt) / 1000));
      const lost = notStoredText(result.counts);
      if (lost !== undefined) out.say(`${lost}${result.counts.sockets > 0 && !global.verbose ? " (-v names them)" : ""}`);
      if (global.json) out.json(resultJson(result, options.branch));
      else out.print(result.commit);
    });
  },
});

function sourcesOf(dir: string | undefined, { tree = [], branch, orphan }: Options): CommitTree[] {
  const sources: CommitTree[] = [...(dir === undefined ? [] : [{ kind: "dir", value: dir } as const]), ...tree];
  if (sources.length === 0)
    throw new RegrowError("usage", "commit: nothing to keep.", { hint: "Name a folder, or give --tree." });
  if (branch !== undefined && orphan === true)
    throw new RegrowError("usage", "commit: --branch and --orphan exclude each other.");
  if (branch === undefined && orphan !== true) {
    throw new RegrowError("usage", "commit: which branch?", { hint: "Name it: -b main. A commit without a branch: --orphan." });
  }
  return sources;
}

function commitOptions(repository: Repository, sources: readonly CommitTree[], options: Options): CommitOptions {
  return {
    branch: options.branch,
    sources: sources.map((source) => commitSource(repository, source)),
    parent: parentOf(repository, options.parent),
    ...readMessage(options),
    metadata: options.addMetadataString?.map(([key, value]): [string, Variant] => [key, { type: "s", value }]),
    timestamp: options.timestamp,
    bindRefs: options.bindRef,
    sidecar: options.noSidecar !== true,
    skipUnchanged: options.skipIfUnchanged === true,
    strict: options.strict === true,
    // Undefined leaves it to the mode of the repository.
    canonicalPermissions: options.canonicalPermissions,
    noXattrs: options.noXattrs,
    ownerUid: options.ownerUid,
    ownerGid: options.ownerGid,
    oneFileSystem: options.oneFileSystem === true,
  };
}

function commitSource(repository: Repository, { kind, value }: CommitTree): CommitSource {
  return kind === "dir" ? { kind: "dir", path: value } : { kind: "commit", commit: resolveRevision(repository, value) };
}

function parentOf(repository: Repository, parent: string | undefined): Checksum | null | undefined {
  if (parent === undefined) return undefined;
  return parent === "none" ? null : resolveRevision(repository, parent);
}

function parseTree(text: string): CommitTree {
  const [kind, value] = parsePair(text);
  if (value !== "" && (kind === "dir" || kind === "ref")) return { kind, value };
  throw new RegrowError("usage", `${text}: no tree.`, { hint: "Write --tree=dir=DIR or --tree=ref=COMMIT." });
}

function resultJson({ commit: checksum, isNew, tree, parent, counts }: CommitResult, branch: string | undefined): object {
  return { commit: checksum, branch: branch ?? null, isNew, tree, parent: parent ?? null, counts };
}
