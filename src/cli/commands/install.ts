/** `regrow install`: a commit becomes a disk image that boots. */
import { RegrowError } from "../../base/errors.ts";
import { EXIT } from "../../base/exit-codes.ts";
import { formatDuration, parseSize } from "../../base/units.ts";
import { planCommitInstall } from "../../machine/install-commit.ts";
import { commitNamed } from "../default-revision.ts";
import { defineCommand } from "../definition.ts";
import { installPlanLines } from "../render/install-plan-lines.ts";

interface Options {
  readonly image?: string;
  readonly size?: number;
  readonly layout?: string;
  readonly bootLoader?: string;
  readonly karg?: readonly string[];
  readonly newIdentity?: boolean;
  readonly wipe?: boolean;
}

export const install = defineCommand<Options>({
  description:
    "The plan is shown first: partitions, file systems, boot files and every check. The image gets its name when it is complete. " +
    "Layout `simple`: GPT, an ESP with kernel and initrd, btrfs with the root in the subvolume @rootfs.",
  arguments: [{ name: "COMMIT", summary: "which", required: true, completes: "revision" }],
  options: [
    { long: "image", value: "FILE", summary: "the image file to make", completes: "file" },
    { long: "size", value: "SIZE", summary: "of the disk, such as 20G", parse: parseSize },
    { long: "layout", value: "NAME", summary: "how the disk is divided (simple)", completes: ["simple"] },
    { long: "boot-loader", value: "NAME", summary: "systemd-boot", completes: ["systemd-boot"] },
    { long: "karg", value: "PARAMETER", summary: "add to the kernel's command line, such as console=ttyS0", repeated: true },
    { long: "new-identity", summary: "let the installed system make itself a new machine id" },
    { long: "wipe", summary: "permit overwriting an image that is not blank" },
  ],
  examples: [
    { line: "regrow install main --image disk.img --size 8G", what: "the newest commit of main as a bootable disk" },
    { line: "regrow install main --image disk.img --size 8G -n", what: "the plan and its checks, nothing else" },
  ],
  exitCodes: [EXIT.noRepository, EXIT.verification, EXIT.noSpace, EXIT.refused, EXIT.missing],
  dryRun: "supports",
  async run({ out, global, observer, withRepository, confirm }, { args, options }) {
    const { image, size } = options;
    if (image === undefined) throw new RegrowError("usage", "install: no target.", { hint: "Give --image FILE." });
    if (size === undefined) throw new RegrowError("usage", "install: no size.", { hint: "Give --size, such as --size 8G." });
    const startedAt = performance.now();
    return withRepository(async (repository) => {
      const commit = commitNamed(repository, args[0]!);
      const wish = {
        image,
        size,
        layout: options.layout ?? "simple",
        loader: options.bootLoader ?? "systemd-boot",
        wipe: options.wipe === true,
        newIdentity: options.newIdentity === true,
        kernelParameters: options.karg ?? [],
      };
      const { plan, act } = await planCommitInstall(repository, commit, wish, observer);
      const failed = plan.checks.find(({ problem }) => problem !== undefined)?.problem;
      const show = global.dryRun && !global.json ? out.print : out.say;
      for (const line of installPlanLines(plan)) show(line);
      if (global.dryRun) {
        if (global.json) out.json({ commit, plan });
        if (failed !== undefined) throw new RegrowError(failed.code, failed.message, { path: image, hint: failed.hint });
        return;
      }
      if (failed === undefined && plan.replaces) await confirm(`Replace ${image}?`);
      await act(observer);
      out.say(`${image}: ready to boot; ${formatDuration(performance.now() - startedAt)}`);
      if (global.json) out.json({ commit, image, size });
    });
  },
});
