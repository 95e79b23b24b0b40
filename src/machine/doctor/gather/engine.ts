/** The engine on the machine: its files, the initramfs images that have it in them, the unit that mounts regrow's folder. */
import { bytesOf, displayBytes } from "../../../base/byte-string.ts";
import { gatherEngineFacts } from "../../../boot/engine/engine-facts.ts";
import { REMAKE_INITRAMFS } from "../../../boot/engine/engine-files.ts";
import { engineInImage, initramfsImages } from "../../../boot/engine/initramfs-image.ts";
import { btrfsUuid } from "../../../sys/btrfs/file-system-uuid.ts";
import { tryReadInRoot } from "../../../sys/read-file.ts";
import { MOUNT_UNIT, MOUNT_UNIT_LINK, mountUnit } from "../../setup/units.ts";
import type { Machine } from "../../sysroot/machine.ts";
import type { EngineFacts } from "../facts.ts";

/** Takes about a second for each initramfs image. Throws `unsupported` for a processor that there is no engine for. */
export async function gatherEngine({ rootFd, btrfs, isLive, mounts }: Machine): Promise<EngineFacts> {
  const { machine, files } = gatherEngineFacts(rootFd);
  const [generator] = machine.generators;
  const images: EngineFacts["images"][number][] = [];
  if (generator !== undefined) {
    for (const path of initramfsImages(rootFd).filter((name) => !name.includes("rescue")))
      images.push({ path: `/${displayBytes(path)}`, engine: await engineInImage(rootFd, path) });
  }
  const unit = tryReadInRoot(rootFd, MOUNT_UNIT)?.toString("utf8");
  const wanted = btrfs === undefined ? undefined : mountUnit(btrfsUuid(btrfs.topFd));
  return {
    files: files.map(({ file, state }) => ({ path: `/${displayBytes(file.path)}`, state })),
    images,
    remake: generator === undefined ? undefined : REMAKE_INITRAMFS[generator].join(" "),
    hasSystemd: machine.hasSystemd,
    mountUnit: unit === undefined ? "absent" : unit === wanted ? "current" : "other",
    mountUnitIsEnabled: unit !== undefined && tryReadInRoot(rootFd, MOUNT_UNIT_LINK)?.toString("utf8") === unit,
    isMounted: isLive ? mounts.has(bytesOf(".regrow")) : undefined,
  };
}
