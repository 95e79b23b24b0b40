/** The content of one file of a commit. */
import { type ByteString, displayBytes } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { isLink } from "../codec/ostree/content.ts";
import { closeContent, openContent, streamPayload } from "./content/content-format.ts";
import type { Repository } from "./repository.ts";
import { followPath } from "./tree/follow-path.ts";

/**
 * Calls `take` with the content piece by piece, each only valid during the call. Links inside the tree are followed.
 * Throws `not-found`; `unsupported` where the path names no regular file; `corrupt`.
 */
export async function catFile(
  repository: Repository,
  commit: Checksum,
  path: ByteString,
  take: (piece: Buffer) => void,
): Promise<void> {
  const { entry } = followPath(repository, commit, path, { followLast: true });
  if (entry.kind !== "file") throw notFile(path, entry.kind === "folder" ? "a folder" : "a device node or FIFO");
  const content = openContent(repository, entry.checksum);
  try {
    if (isLink(content.meta)) throw notFile(path, "a link that leads nowhere");
    await streamPayload(content, take);
  } finally {
    closeContent(content);
  }
}

function notFile(path: ByteString, what: string): RegrowError {
  const shown = displayBytes(path);
  return new RegrowError("unsupported", `${shown}: is ${what}, not a file.`, {
    path: shown,
    hint: "`regrow ls` lists what is there.",
  });
}
