/** `regrow refs`: branches and all other names of commits. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { deleteRefs, pointRef } from "../../store/point-ref.ts";
import { type Ref, isCompanionRef, listRefs } from "../../store/refs.ts";
import type { Repository } from "../../store/repository.ts";
import type { Context } from "../context.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { countOf } from "../render/commit-counts.ts";

interface Options {
  readonly delete?: boolean;
  readonly create?: string;
  readonly force?: boolean;
  readonly all?: boolean;
}

export const refs = defineCommand<Options>({
  description: "Lists all refs, or those below PREFIX: main is below main, and so is main/x.",
  arguments: [{ name: "PREFIX", summary: "which; with --create: the commit", completes: "ref" }],
  options: [
    { long: "delete", summary: "delete them, after a question" },
    { long: "create", value: "NEWREF", summary: "a new name for the commit", completes: "nothing" },
    { long: "force", summary: "with --create: move a ref that is there already" },
    { long: "all", summary: "also the refs that keep sidecars" },
  ],
  examples: [
    { line: "regrow refs -v", what: "with the commits that they name" },
    { line: "regrow refs --create=stable main^", what: "a new branch" },
    { line: "regrow refs --delete old", what: "old and all old/…" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.locked, EXIT.refused],
  dryRun: "supports",
  async run(context, { args, options }) {
    if (options.create !== undefined && options.delete === true) {
      throw new RegrowError("usage", "refs: --create and --delete exclude each other.");
    }
    await context.withRepository((repository) => {
      if (options.create !== undefined) return create(context, repository, options.create, args[0], options.force === true);
      if (options.delete === true) return deleteBelow(context, repository, args[0]);
      for (const ref of refsBelow(repository, args[0], options.all === true)) print(context, ref);
      return undefined;
    });
  },
});

function print({ out, global }: Context, { name, commit, alias }: Ref): void {
  if (global.json) out.json({ ref: name, commit, alias });
  else out.print(global.verbose ? `${name} ${commit}` : name);
}

async function create(
  context: Context,
  repository: Repository,
  name: string,
  revision: string | undefined,
  force: boolean,
): Promise<void> {
  if (revision === undefined) throw new RegrowError("usage", "refs: --create needs the commit that it names.");
  const commit = commitNamed(repository, revision);
  if (!context.global.dryRun) await pointRef(repository, name, commit, { force });
  if (context.global.json) print(context, { name, commit });
  else context.out.say(`${name} names ${commit}`);
}

async function deleteBelow(context: Context, repository: Repository, prefix: string | undefined): Promise<void> {
  if (prefix === undefined) throw new RegrowError("usage", "refs: --delete needs a name.", { hint: "`regrow refs` lists them." });
  const found = refsBelow(repository, prefix, false);
  if (found.length === 0)
    throw new RegrowError("not-found", `${prefix}: no such ref.`, { path: prefix, hint: "`regrow refs` lists them." });
  for (const { name, commit } of found) context.out.say(`${name} ${commit}`);
  if (context.global.dryRun) return;
  await context.confirm(`Delete ${found.length === 1 ? "this ref" : `these ${countOf(found.length, "ref")}`}?`);
  await deleteRefs(
    repository,
    found.map(({ name }) => name),
  );
  if (context.global.json) for (const { name, commit } of found) context.out.json({ deleted: name, commit });
}

function refsBelow(repository: Repository, prefix: string | undefined, all: boolean): Ref[] {
  const wanted = prefix?.replace(/\/$/, "");
  return listRefs(repository).filter(
    ({ name }) =>
      (all || !isCompanionRef(name)) &&
      (wanted === undefined || name === wanted || name.startsWith(`${wanted}/`) || name.startsWith(`${wanted}:`)),
  );
}
