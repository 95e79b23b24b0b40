/** `regrow checkout`: a commit becomes a folder. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, formatSize } from "../../base/units.ts";
import { checkoutCommit } from "../../store/checkout/checkout.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { countOf } from "../render/commit-counts.ts";

interface Options {
  readonly requireHardlinks?: boolean;
  readonly userMode?: boolean;
  readonly subpath?: string;
  readonly union?: boolean;
  readonly noSidecar?: boolean;
  readonly verify?: boolean;
  readonly fsync?: boolean;
}

export const checkout = defineCommand<Options>({
  description: "DIR appears when it is complete; a cut leaves no half of it. As root, owners and devices come along.",
  arguments: [
    { name: "COMMIT", summary: "which", required: true, completes: "revision" },
    { name: "DIR", summary: "a new folder", required: true, completes: "folder" },
  ],
  options: [
    { short: "H", long: "require-hardlinks", summary: "link files to the repository's own: never write into them" },
    { short: "U", long: "user-mode", summary: "leave owners and attributes alone (default where not root)" },
    { long: "subpath", value: "PATH", summary: "only what is at PATH of the commit" },
    { long: "union", summary: "lay it over a folder that is there" },
    { long: "no-sidecar", summary: "without times, flags, hard links, devices and odd names" },
    { long: "verify", summary: "compare each file with its checksum on the way" },
    { long: "fsync", summary: "flush all of it to the disk before the end" },
  ],
  examples: [
    { line: "regrow checkout main^ /tmp/before", what: "as it was one commit ago" },
    { line: "regrow checkout --subpath=/etc main etc", what: "a part of it" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "refuses",
  async run({ out, global, observer, withRepository }, { args, options }) {
    const [revision, target] = args as [string, string];
    if (target === "") throw new RegrowError("usage", "checkout: the name of the folder is empty.");
    const startedAt = performance.now();
    await withRepository(async (repository) => {
      const commit = commitNamed(repository, revision);
      const settings = {
        hardlink: options.requireHardlinks === true,
        userMode: options.userMode,
        subpath: options.subpath,
        union: options.union === true,
        sidecar: options.noSidecar !== true,
        verify: options.verify === true,
        durable: options.fsync === true,
      };
      const counts = await checkoutCommit(repository, commit, target, settings, observer);
      const time = formatDuration(performance.now() - startedAt);
      out.say(`${target}: ${countOf(counts.files, "file")}, ${formatSize(counts.bytes)}; ${time}`);
      if (global.json) out.json({ commit, target, ...counts });
    });
  },
});
