/** `regrow push`: what this repository has, into another one. */
import { EXIT } from "../../base/exit-codes.ts";
import { push as pushTo } from "../../store/pull/pull.ts";
import { withRepository } from "../../store/repository.ts";
import { defineCommand } from "../definition.ts";
import { TRANSFER_EXIT_CODES, TRANSFER_OPTIONS, type TransferOptions, parseMapping, tellTransfer } from "../transfer.ts";

export const push = defineCommand<TransferOptions>({
  description: "A pull by the other side, under the same rules: see `regrow help pull`. The other repository may be of any mode.",
  arguments: [
    { name: "DEST", summary: "the folder of the other repository", required: true, completes: "folder" },
    { name: "REF", summary: "which; without: all branches and tags", repeated: true, completes: "ref" },
  ],
  options: TRANSFER_OPTIONS,
  examples: [
    { line: "regrow init --mode=archive /mnt/backup", what: "once, and then" },
    { line: "regrow push /mnt/backup main", what: "main with its history" },
  ],
  exitCodes: [EXIT.noRepository, ...TRANSFER_EXIT_CODES],
  dryRun: "supports",
  async run(context, { args: [destination, ...refs], options }) {
    const startedAt = performance.now();
    await context.withRepository((source) =>
      withRepository(destination!, async (other) => {
        const { depth, force, link } = options;
        const wanted = refs.length === 0 ? undefined : refs.map(parseMapping);
        const report = await pushTo(
          source,
          other,
          { refs: wanted, depth, force, link, dryRun: context.global.dryRun },
          context.observer,
        );
        tellTransfer(context, report, performance.now() - startedAt);
      }),
    );
  },
});
