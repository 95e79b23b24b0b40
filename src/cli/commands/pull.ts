/** `regrow pull`: what another repository has. */
import { EXIT } from "../../base/exit-codes.ts";
import { pull as pullFrom } from "../../store/pull/pull.ts";
import { repositorySource } from "../../store/pull/object-source.ts";
import { withRepository } from "../../store/repository.ts";
import { defineCommand } from "../definition.ts";
import { TRANSFER_EXIT_CODES, TRANSFER_OPTIONS, type TransferOptions, parseMapping, tellTransfer } from "../transfer.ts";

interface Options extends TransferOptions {
  readonly remote?: string;
}

export const pull = defineCommand<Options>({
  description:
    "Commits come with their history, sidecars and signatures, each object compared with its checksum. A branch moves only forward, a tag " +
    "never; what was cut goes on from there. REF may be NAME, NAME=NEWNAME, or a checksum, which moves no ref.",
  arguments: [
    { name: "SOURCE", summary: "the folder of the other repository", required: true, completes: "folder" },
    { name: "REF", summary: "which; without: all branches and tags", repeated: true },
  ],
  options: [
    { long: "remote", value: "NAME", summary: "as the refs of a remote: main becomes NAME:main", completes: "nothing" },
    ...TRANSFER_OPTIONS,
  ],
  examples: [
    { line: "regrow pull /mnt/backup/repo", what: "all that is there" },
    { line: "regrow pull --remote=golden /srv/golden main", what: "main, as golden:main" },
  ],
  exitCodes: [EXIT.noRepository, ...TRANSFER_EXIT_CODES],
  dryRun: "supports",
  async run(context, { args: [source, ...refs], options }) {
    const startedAt = performance.now();
    await context.withRepository((target) =>
      withRepository(source!, async (other) => {
        const { remote, depth, force, link } = options;
        const wanted = refs.length === 0 ? undefined : refs.map(parseMapping);
        const request = { refs: wanted, remote, depth, force, link, dryRun: context.global.dryRun };
        const report = await pullFrom(target, repositorySource(other), request, context.observer);
        tellTransfer(context, report, performance.now() - startedAt);
      }),
    );
  },
});
