/** `regrow cat`: the content of files of a commit, as it is. */
import { bytesOf } from "../../base/byte-string.ts";
import { throwIfCancelled } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { catFile } from "../../store/cat.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";

export const cat = defineCommand({
  description: "Links are followed inside the commit, never out of it.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "PATH", summary: "inside it", required: true, repeated: true },
  ],
  options: [],
  examples: [{ line: "regrow cat main^ /etc/fstab", what: "as it was one commit ago" }],
  exitCodes: [EXIT.noRepository, EXIT.verification],
  dryRun: "reads",
  async run({ out, withRepository, observer }, { args }) {
    const [revision, ...paths] = args as [string, ...string[]];
    await withRepository(async (repository) => {
      const commit = commitNamed(repository, revision);
      for (const path of paths) {
        await catFile(repository, commit, bytesOf(path), (piece) => {
          throwIfCancelled(observer.signal);
          // A piece is overwritten by the next one, and what stdout can't take at once waits.
          out.write(Buffer.from(piece));
        });
      }
    });
  },
});
