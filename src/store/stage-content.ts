/** Staging content that is in memory already: sidecar records, files from an archive. */
import { createHash } from "node:crypto";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader } from "../codec/ostree/content.ts";
import { EMPTY } from "../base/byte-string.ts";
import { writeContent } from "./content/content-format.ts";
import { hasObject, objectFile } from "./object-files.ts";
import { takeRoom } from "./room.ts";
import { type Transaction, inStagingFolder } from "./transaction.ts";

/** Metadata of the files that hold sidecar records. */
export const RECORD_META: ContentMeta = { uid: 0, gid: 0, mode: 0o100644, target: EMPTY, xattrs: [] };

/** Stages a content object unless the repository has it. Returns its checksum. Throws `no-space`. */
export function stageContent(transaction: Transaction, meta: ContentMeta, data: Buffer): Checksum {
  const checksum = createHash("sha256").update(encodeContentHeader(meta)).update(data).digest("hex") as Checksum;
  const { repository, stagingFd, known } = transaction;
  const name = objectFile(repository, "file", checksum);
  if (known.has(name)) return checksum;
  known.add(name);
  if (hasObject(repository, "file", checksum)) return checksum;
  takeRoom(transaction.room, data.length);
  const place = { dirFd: stagingFd, umask: repository.umask, zlibLevel: repository.config.zlibLevel };
  inStagingFolder(stagingFd, name, () => void writeContent(repository.config.mode, place, name, meta, { kind: "memory", data }));
  transaction.stagedFiles++;
  transaction.stagedBytes += data.length;
  return checksum;
}
