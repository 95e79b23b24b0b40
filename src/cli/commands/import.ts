/** `regrow import`: an archive becomes a commit. */
import { EXIT } from "../../base/exit-codes.ts";
import { defineCommand } from "../definition.ts";
import { BRANCH_OPTIONS, COMMIT_OPTIONS, type MakeCommitOptions, checkBranch, makeCommit } from "../make-commit.ts";
import { tarSource } from "../tar-source.ts";

export const importArchive = defineCommand<MakeCommitOptions>({
  description:
    "A tar archive of any kind, plain or compressed with gzip, xz, zstd or bzip2. Times, hard links, holes, devices and attributes come along; " +
    "names that lead out of the tree are refused. The last line on stdout is the checksum of the commit.",
  arguments: [{ name: "FILE", summary: "the archive; - is stdin", required: true, completes: "file" }],
  options: [...BRANCH_OPTIONS, ...COMMIT_OPTIONS],
  examples: [
    { line: "regrow import -b base rootfs.tar.gz", what: "a root file system" },
    { line: "docker export box | regrow import -b box -", what: "from another program" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.verification, EXIT.noSpace],
  dryRun: "refuses",
  async run(context, { args, options }) {
    checkBranch("import", options);
    const source = tarSource(args[0]!);
    await context.withRepository((repository) => makeCommit(context, repository, [source], options));
  },
});
