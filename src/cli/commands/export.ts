/** `regrow export`: a commit becomes an archive, or a stream for `btrfs receive`. */
import process from "node:process";
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, formatSize } from "../../base/units.ts";
import type { Repository } from "../../store/repository.ts";
import { resolveRevision } from "../../store/revision.ts";
import { type StreamOptions, sendStream } from "../../store/stream/export-stream.ts";
import { streamTar } from "../../store/tar/export-tar.ts";
import { saveArchive } from "../../store/tar/save-archive.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { oneOf } from "../value-parsers.ts";

interface Options {
  readonly format?: ExportFormat;
  readonly parent?: string;
  readonly name?: string;
}

const FORMATS = ["tar", "btrfs-send"] as const;
type ExportFormat = (typeof FORMATS)[number];

export const exportArchive = defineCommand<Options>({
  description:
    "A tar archive in PAX format with times, hard links, holes, devices and attributes. A name that ends in .gz, .tgz or .zst is compressed. " +
    "The same commit always gives the same bytes. With --format=btrfs-send: a stream of which `btrfs receive` makes a snapshot.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "FILE", summary: "the archive; without, or with -: stdout", completes: "file" },
  ],
  options: [
    {
      long: "format",
      value: "FORMAT",
      summary: "tar (default) or btrfs-send",
      parse: oneOf(FORMATS),
      completes: FORMATS,
    },
    {
      long: "parent",
      value: "COMMIT",
      summary: "btrfs-send: only what changed since; the receiver must have received that one",
      completes: "revision",
    },
    { long: "name", value: "NAME", summary: "btrfs-send: the name of the snapshot; else the commit's first ten digits" },
  ],
  examples: [
    { line: "regrow export main system.tar.zst", what: "the newest commit of main" },
    { line: "regrow export main | tar -tv", what: "for another program" },
    { line: "regrow export --format=btrfs-send main | btrfs receive /mnt", what: "as a snapshot" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification, EXIT.noSpace, EXIT.refused],
  dryRun: "refuses",
  async run({ out, global, observer, withRepository }, { args: [revision, file = "-"], options }) {
    refuseUnfit(options);
    if (file === "-" && process.stdout.isTTY) {
      throw new RegrowError("usage", "export: an archive is nothing for a terminal.", { hint: "Name a file, or use a pipe." });
    }
    const startedAt = performance.now();
    await withRepository(async (repository) => {
      const commit = commitNamed(repository, revision);
      const archive =
        options.format === "btrfs-send"
          ? sendStream(repository, commit, streamOptions(repository, options), observer)
          : streamTar(repository, commit, {}, observer);
      if (file === "-") return out.writeAll(archive);
      const size = await saveArchive(file, archive);
      out.say(`${file}: ${formatSize(size)}; ${formatDuration(performance.now() - startedAt)}`);
      if (global.json) out.json({ commit, file, size });
    });
  },
});

function refuseUnfit({ format, parent, name }: Options): void {
  if (format !== "btrfs-send" && (parent !== undefined || name !== undefined)) {
    throw new RegrowError("usage", "export: --parent and --name are for --format=btrfs-send.");
  }
  if (name !== undefined && (/^(|\.|\.\.)$/.test(name) || /[/\0]/.test(name))) {
    throw new RegrowError("usage", `--name: ${name}: can't be the name of a snapshot.`);
  }
}

function streamOptions(repository: Repository, { parent, name }: Options): StreamOptions {
  return {
    parent: parent === undefined ? undefined : resolveRevision(repository, parent),
    name: name === undefined ? undefined : bytesOf(name),
  };
}
