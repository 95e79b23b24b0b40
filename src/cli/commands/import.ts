/** `regrow import`: an archive, or what `btrfs send` makes, becomes a commit. */
import { displayBytes } from "../../base/byte-string.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { type StreamedTree, importStreams } from "../../machine/import-streams.ts";
import type { Repository } from "../../store/repository.ts";
import type { Context } from "../context.ts";
import { defineCommand } from "../definition.ts";
import { BRANCH_OPTIONS, COMMIT_OPTIONS, type MakeCommitOptions, checkBranch, makeCommit } from "../make-commit.ts";
import { tarSource } from "../tar-source.ts";
import { oneOf } from "../value-parsers.ts";

interface Options extends MakeCommitOptions {
  readonly from?: ImportFormat;
}

const FORMATS = ["tar", "btrfs-send"] as const;
type ImportFormat = (typeof FORMATS)[number];

export const importArchive = defineCommand<Options>({
  description:
    "A tar archive of any kind, plain or compressed with gzip, xz, zstd or bzip2. Times, hard links, holes, devices and attributes come along; " +
    "names that lead out of the tree are refused. With --from=btrfs-send: one or more send streams, of which each becomes a commit on top of " +
    "the one before; a stream of changes must come after the one that it builds on. The last line on stdout is the checksum of the commit.",
  arguments: [{ name: "FILE", summary: "the archive; - is stdin", required: true, completes: "file" }],
  options: [
    { long: "from", value: "FORMAT", summary: "tar (default) or btrfs-send", parse: oneOf(FORMATS), completes: FORMATS },
    ...BRANCH_OPTIONS,
    ...COMMIT_OPTIONS,
  ],
  examples: [
    { line: "regrow import -b base rootfs.tar.gz", what: "a root file system" },
    { line: "docker export box | regrow import -b box -", what: "from another program" },
    { line: "btrfs send /snapshots/monday | regrow import --from=btrfs-send -b root -", what: "a snapshot" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace, EXIT.missing],
  dryRun: "refuses",
  async run(context, { args, options }) {
    checkBranch("import", options);
    const source = tarSource(args[0]!);
    await context.withRepository((repository) =>
      options.from === "btrfs-send"
        ? importEach(context, repository, source.path, options)
        : makeCommit(context, repository, [source], options),
    );
  },
});

async function importEach(context: Context, repository: Repository, source: string | number, options: Options): Promise<void> {
  let isFirst = true;
  const commit = async ({ name, path }: StreamedTree): Promise<void> => {
    const isNamed = options.subject !== undefined || options.message !== undefined;
    // Those after the first stand on what the branch names by then.
    const { parent, ...rest } = options;
    const each = {
      ...rest,
      ...(isFirst && parent !== undefined ? { parent } : {}),
      ...(isNamed ? {} : { subject: displayBytes(name) }),
    };
    await makeCommit(context, repository, [{ kind: "dir", path }], each, { useCache: false });
    isFirst = false;
  };
  await importStreams(repository, source, commit, context.observer);
}
