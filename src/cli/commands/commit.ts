/** `regrow commit`: a folder, or several trees laid over each other, become a commit. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import type { Variant } from "../../codec/gvariant/value.ts";
import type { CommitSource } from "../../store/commit.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import { defineCommand } from "../definition.ts";
import type { Context } from "../context.ts";
import { BRANCH_OPTIONS, COMMIT_OPTIONS, type MakeCommitOptions, checkBranch, makeCommit, tellCommit } from "../make-commit.ts";
import { readMessage } from "../message.ts";
import { tarSource } from "../tar-source.ts";
import { parsePair } from "../value-parsers.ts";

interface Options extends MakeCommitOptions {
  readonly tree?: readonly CommitTree[];
  readonly oneFileSystem?: boolean;
  readonly strict?: boolean;
  readonly linkCheckoutSpeedup?: boolean;
  readonly verify?: boolean;
}

interface CommitTree {
  readonly kind: "dir" | "ref" | "tar";
  readonly value: string;
}

export const commit = defineCommand<Options>({
  description:
    "Without DIR and --tree: this machine, or the one at --sysroot, onto the branch of its configuration; where nothing has changed, the commit that is there. DIR comes before what --tree names; each is laid over what came before it. The last line on stdout is the checksum of the commit.",
  arguments: [{ name: "DIR", summary: "the folder to keep, in place of the machine", completes: "folder" }],
  options: [
    ...BRANCH_OPTIONS,
    {
      long: "tree",
      value: "dir=DIR|tar=FILE|ref=COMMIT",
      summary: "a folder, an archive, or the tree of a commit",
      repeated: true,
      parse: parseTree,
    },
    ...COMMIT_OPTIONS,
    { long: "one-file-system", summary: "don't enter other file systems mounted below" },
    { long: "strict", summary: "fail where something can't be kept or changes meanwhile" },
    { long: "verify", summary: "a machine: read everything as well, and compare" },
    { long: "link-checkout-speedup", summary: "don't read files that are hard links to the repository's own" },
  ],
  examples: [
    { line: "regrow commit -m 'Before the upgrade'", what: "keep this machine" },
    { line: "regrow commit -b main /etc", what: "keep /etc in a repository" },
    { line: "regrow commit -b image --tree=ref=base --tree=dir=overlay", what: "a folder over a commit" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.missing],
  dryRun: "refuses",
  async run(context, { args: [dir], options }) {
    const trees: CommitTree[] = [...(dir === undefined ? [] : [{ kind: "dir", value: dir } as const]), ...(options.tree ?? [])];
    if (trees.length === 0) return commitThisMachine(context, options);
    if (options.verify === true) throw new RegrowError("usage", "commit: --verify is for a machine.", { hint: "Leave DIR out." });
    checkBranch("commit", options);
    const more = {
      oneFileSystem: options.oneFileSystem === true,
      strict: options.strict === true,
      linkCheckoutSpeedup: options.linkCheckoutSpeedup === true,
    };
    await context.withRepository((repository) => {
      const sources = trees.map((tree) => commitSource(repository, tree));
      return makeCommit(context, repository, sources, options, more);
    });
  },
});

/** What would change how a tree is kept has no meaning for a machine, which has to come back as it was. */
const FOR_TREES: readonly (keyof Options)[] = [
  "orphan",
  "parent",
  "ownerUid",
  "ownerGid",
  "canonicalPermissions",
  "noXattrs",
  "noSidecar",
  "bindRef",
  "oneFileSystem",
  "linkCheckoutSpeedup",
];

function commitThisMachine(context: Context, options: Options): Promise<void> {
  const wrong = FOR_TREES.find((key) => options[key] !== undefined);
  if (wrong !== undefined) {
    const name = wrong.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new RegrowError("usage", `commit: --${name} needs a tree.`, { hint: "Name a folder, or give --tree." });
  }
  if (context.global.repo !== undefined) {
    throw new RegrowError("usage", "commit: nothing to keep.", {
      hint: "Name a folder, or give --tree; a machine has its own repository.",
    });
  }
  const startedAt = performance.now();
  return context.withMachine(async (machine) => {
    const { commitMachine } = await import("../../machine/capture/commit-machine.ts");
    const metadata = options.addMetadataString?.map(([key, value]): [string, Variant] => [key, { type: "s", value }]);
    const wish = {
      ...readMessage(options),
      branch: options.branch,
      metadata,
      timestamp: options.timestamp,
      verify: options.verify,
    };
    const result = await commitMachine(machine, wish, context.observer);
    if (!result.isNew) context.out.say("Nothing has changed since the last commit.");
    tellCommit(context, result, options.branch ?? machine.config.branch, startedAt);
  });
}

function commitSource(repository: Repository, { kind, value }: CommitTree): CommitSource {
  if (kind === "dir") return { kind: "dir", path: value };
  return kind === "tar" ? tarSource(value) : { kind: "commit", commit: resolveRevision(repository, value) };
}

function parseTree(text: string): CommitTree {
  const [kind, value] = parsePair(text);
  if (value !== "" && (kind === "dir" || kind === "ref" || kind === "tar")) return { kind, value };
  throw new RegrowError("usage", `${text}: no tree.`, { hint: "Write --tree=dir=DIR, --tree=tar=FILE or --tree=ref=COMMIT." });
}
