/** `regrow export`: a commit becomes an archive. */
import process from "node:process";
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, formatSize } from "../../base/units.ts";
import { streamTar } from "../../store/tar/export-tar.ts";
import { saveArchive } from "../../store/tar/save-archive.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";

export const exportArchive = defineCommand({
  description:
    "A tar archive in PAX format with times, hard links, holes, devices and attributes. A name that ends in .gz, .tgz or .zst is compressed. " +
    "The same commit always gives the same bytes.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "FILE", summary: "the archive; without, or with -: stdout", completes: "file" },
  ],
  options: [],
  examples: [
    { line: "regrow export main system.tar.zst", what: "the newest commit of main" },
    { line: "regrow export main | tar -tv", what: "for another program" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification, EXIT.noSpace, EXIT.refused],
  dryRun: "refuses",
  async run({ out, global, observer, withRepository }, { args: [revision, file = "-"] }) {
    if (file === "-" && process.stdout.isTTY) {
      throw new RegrowError("usage", "export: an archive is nothing for a terminal.", { hint: "Name a file, or use a pipe." });
    }
    const startedAt = performance.now();
    await withRepository(async (repository) => {
      const commit = commitNamed(repository, revision);
      const archive = streamTar(repository, commit, {}, observer);
      if (file === "-") return out.writeAll(archive);
      const size = await saveArchive(file, archive);
      out.say(`${file}: ${formatSize(size)}; ${formatDuration(performance.now() - startedAt)}`);
      if (global.json) out.json({ commit, file, size });
    });
  },
});
