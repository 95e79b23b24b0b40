/** `regrow ls`: what a commit holds. */
import { RegrowError } from "../../base/errors.ts";
import { bufferOf, bytesOf, displayBytes } from "../../base/byte-string.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { type ListedEntry, listTree } from "../../store/list-tree.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { entryJson, entryLine } from "../render/entry-line.ts";

interface Options {
  readonly dironly?: boolean;
  readonly recursive?: boolean;
  readonly checksum?: boolean;
  readonly xattrs?: boolean;
  readonly nulFilenamesOnly?: boolean;
}

export const ls = defineCommand<Options>({
  description: "In ostree's form: type and mode, owner, group, size, path. With --json also times, flags, hard links and holes.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "PATH", summary: "inside it; without: /", repeated: true },
  ],
  options: [
    { short: "d", long: "dironly", summary: "a folder itself, not what is in it" },
    { short: "R", long: "recursive", summary: "all below" },
    { short: "C", long: "checksum", summary: "with checksums" },
    { short: "X", long: "xattrs", summary: "with extended attributes" },
    { long: "nul-filenames-only", summary: "only paths, as bytes, each ended by NUL" },
  ],
  examples: [
    { line: "regrow ls main /etc", what: "one folder" },
    { line: "regrow ls -R --json main", what: "everything, for programs" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification],
  dryRun: "reads",
  async run({ out, global, withRepository }, { args, options }) {
    if (options.dironly === true && options.recursive === true) {
      throw new RegrowError("usage", "ls: --dironly and --recursive exclude each other.");
    }
    const [revision, ...paths] = args as [string, ...string[]];
    const depth = options.dironly === true ? 0 : options.recursive === true ? Infinity : 1;
    await withRepository(async (repository) => {
      const commit = commitNamed(repository, revision);
      for (const path of paths.length === 0 ? ["/"] : paths) {
        const entries = listTree(repository, commit, bytesOf(path), { depth });
        if (options.nulFilenamesOnly === true) await out.writeAll(names(entries));
        else await out.printAll(lines(entries));
      }
    });

    function* lines(entries: Iterable<ListedEntry>): Generator<string> {
      const style = { checksums: options.checksum === true, xattrs: options.xattrs === true };
      for (const entry of entries) {
        yield global.json ? JSON.stringify(entryJson(entry)) : entryLine(entry, style);
        if (global.verbose && entry.record?.linkTo !== undefined) yield `    is ${displayBytes(entry.record.linkTo)}`;
      }
    }
  },
});

function* names(entries: Iterable<ListedEntry>): Generator<Uint8Array> {
  for (const { path } of entries) yield Buffer.concat([Buffer.from("/"), bufferOf(path), Buffer.alloc(1)]);
}
