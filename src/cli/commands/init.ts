/** `regrow init`: a new, empty repository. */
import process from "node:process";
import { EXIT } from "../../base/exit-codes.ts";
import { isRepository, initRepository } from "../../store/repository.ts";
import { parseMode } from "../../store/repository-config.ts";
import { defineCommand } from "../definition.ts";

interface Options {
  readonly mode?: ReturnType<typeof parseMode>;
  readonly collectionId?: string;
  readonly public?: boolean;
}

export const init = defineCommand<Options>({
  description: "In DIR, else in --repo or REGROW_REPO, else in the current folder. Where there is one already, nothing is done.",
  arguments: [{ name: "DIR", summary: "where; it is made where it does not exist", completes: "folder" }],
  options: [
    {
      long: "mode",
      value: "MODE",
      summary: "bare (as root), bare-user (else), bare-user-only, archive",
      parse: parseMode,
      completes: ["bare", "bare-user", "bare-user-only", "archive"],
    },
    { long: "public", summary: "others may read it, and all that is ever committed into it; without: its owner only" },
    { long: "collection-id", value: "ID", summary: "the collection that its refs belong to" },
  ],
  examples: [
    { line: "regrow init --mode=archive /backup/regrow", what: "for backups: packed, and only for you" },
    { line: "regrow init --mode=archive --public /srv/regrow", what: "one to serve to others: push only what is no secret" },
  ],
  exitCodes: [EXIT.refused, EXIT.missing],
  dryRun: "refuses",
  run({ out, global }, { args, options }) {
    const path = args[0] ?? global.repo ?? (process.env["REGROW_REPO"] || ".");
    const mode = options.mode ?? (process.geteuid?.() === 0 ? "bare" : "bare-user");
    const existed = isRepository(path);
    initRepository(path, { mode, collectionId: options.collectionId, isPublic: options.public });
    if (options.public === true && existed) out.say(`${path}: who may read it stays as it is; \`chmod\` changes that`);
    if (global.json) out.json({ repository: path, mode, isNew: !existed });
    else out.say(existed ? `${path}: is a repository of mode ${mode} already` : `${path}: a new repository of mode ${mode}`);
  },
});
