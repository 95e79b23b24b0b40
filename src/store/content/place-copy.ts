/** The last step of staging a large file: its copy stands in the staging folder already and becomes the object. */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { ContentMeta } from "../../codec/ostree/content.ts";
import { renameAt } from "../../sys/names.ts";
import { hasObject, objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { Room } from "../room.ts";
import { inStagingFolder } from "../transaction.ts";
import { adoptCopy, writeContent } from "./content-format.ts";

export interface StagedCopy {
  /** In the staging folder. */
  readonly name: string;
  readonly fd: number;
  readonly size: number;
}

/**
 * Makes a complete copy of a regular file's payload the object `checksum`, unless the repository has it: false. The copy may
 * be left over; whoever made it removes it.
 */
export async function placeCopy(
  target: { readonly repository: Repository; readonly stagingFd: number; readonly room: Room },
  copy: StagedCopy,
  meta: ContentMeta,
  checksum: Checksum,
): Promise<boolean> {
  const { repository, stagingFd, room } = target;
  if (hasObject(repository, "file", checksum)) return false;
  const { config, umask } = repository;
  const name = objectFile(repository, "file", checksum);
  const place = { dirFd: stagingFd, umask, zlibLevel: config.zlibLevel, room };
  const partial = adoptCopy(config.mode, copy.fd, meta) ? copy.name : `${copy.name}.packed`;
  if (partial !== copy.name)
    await writeContent(config.mode, place, partial, meta, { kind: "file", fd: copy.fd, size: copy.size });
  inStagingFolder(stagingFd, name, () => renameAt(stagingFd, partial, stagingFd, name));
  return true;
}
