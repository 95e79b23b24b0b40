/** `regrow tag`: a name for a commit, which keeps it for good. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { deleteRefs, pointRef } from "../../store/point-ref.ts";
import { isCompanionRef, listRefs, readRef } from "../../store/refs.ts";
import type { Repository } from "../../store/repository.ts";
import type { Context } from "../context.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";

interface Options {
  readonly list?: boolean;
  readonly delete?: boolean;
  readonly force?: boolean;
}

const PREFIX = "tag/";

export const tag = defineCommand<Options>({
  description: "Without NAME, or with --list: lists the tags. A tag is the ref tag/NAME; ostree sees it as such.",
  arguments: [
    { name: "NAME", summary: "the tag", completes: "ref" },
    { name: "COMMIT", summary: "what it names; without: the newest commit", completes: "revision" },
  ],
  options: [
    { short: "l", long: "list", summary: "list them; NAME may have * and ? in it" },
    { short: "d", long: "delete", summary: "take the tag away; the commit stays as long as something else names it" },
    { short: "f", long: "force", summary: "move a tag that is there already" },
  ],
  examples: [
    { line: "regrow tag known-good", what: "name the newest commit of main" },
    { line: "regrow tag v1 main^^", what: "name an older one" },
    { line: "regrow tag --list 'v*'", what: "those that begin with v" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.refused],
  dryRun: "supports",
  async run(context, { args: [name, revision], options }) {
    await context.withRepository(async (repository) => {
      if (options.list === true && (revision !== undefined || options.delete === true || options.force === true))
        throw new RegrowError("usage", "tag: --list takes a name only.");
      if (name === undefined || options.list === true) return listTags(context, repository, name ?? "*");
      if (options.delete === true) {
        if (revision !== undefined) throw new RegrowError("usage", "tag: --delete takes a name only.");
        return deleteTag(context, repository, name);
      }
      const commit = commitNamed(repository, revision);
      if (!context.global.dryRun) await pointRef(repository, PREFIX + name, commit, { force: options.force === true });
      if (context.global.json) context.out.json({ tag: name, commit });
      else context.out.print(`${name} ${commit}`);
    });
  },
});

function listTags({ out, global }: Context, repository: Repository, pattern: string): void {
  const wanted = wildcard(pattern);
  for (const { name, commit } of listRefs(repository)) {
    if (!name.startsWith(PREFIX) || isCompanionRef(name)) continue;
    const tagName = name.slice(PREFIX.length);
    if (!wanted.test(tagName)) continue;
    if (global.json) out.json({ tag: tagName, commit });
    else out.print(global.verbose ? `${tagName} ${commit}` : tagName);
  }
}

/** `*` stands for any text, `?` for one character. */
function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

async function deleteTag({ out, global }: Context, repository: Repository, name: string): Promise<void> {
  const commit = readRef(repository, PREFIX + name);
  if (commit === undefined)
    throw new RegrowError("not-found", `${name}: no such tag.`, { path: name, hint: "`regrow tag` lists them." });
  if (!global.dryRun) await deleteRefs(repository, [PREFIX + name]);
  out.say(`${global.dryRun ? "would delete" : "deleted"} ${name}, which named ${commit}`);
  if (global.json) out.json({ deleted: name, commit });
}
