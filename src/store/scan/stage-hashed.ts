/** Puts what a thread has hashed into the staging folder. An object holds exactly the bytes that its name was computed from. */
import { createHash } from "node:crypto";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { ContentMeta } from "../../codec/ostree/content.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import { writeContent } from "../content/content-format.ts";
import type { ContentTarget } from "../content/open-content.ts";
import { type Payload, copyPayload } from "../content/payload.ts";
import { placeCopy } from "../content/place-copy.ts";
import { hasObject, objectFile } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { Room } from "../room.ts";
import { inStagingFolder } from "../transaction.ts";

export interface StageTarget {
  readonly repository: Repository;
  readonly stagingFd: number;
  readonly room: Room;
  /** Tells one transaction from another. */
  readonly transaction: string;
}

export interface LargeFile {
  readonly fd: number;
  readonly size: number;
  readonly header: Buffer;
  readonly meta: ContentMeta;
  readonly expected: Checksum;
}

/**
 * `stored`: the repository has it. Else it is in the staging folder, where this call has put it (`staged`), or another one before, on
 * whatever thread (`staged-before`): then it is gone again if this transaction does not publish.
 */
export type Staging = "stored" | "staged" | "staged-before" | "not-asked";

export function stage(
  target: StageTarget | undefined,
  checksum: Checksum,
  meta: ContentMeta,
  payload: Payload & { kind: "memory" },
): Staging {
  if (target === undefined) return "not-asked";
  if (stagedBy(target).has(checksum)) return "staged-before";
  const { repository, stagingFd } = target;
  if (hasObject(repository, "file", checksum)) return "stored";
  const name = objectFile(repository, "file", checksum);
  const { mode } = repository.config;
  const made = inStagingFolder(stagingFd, name, () => (writeContent(mode, placeOf(target), name, meta, payload), true));
  stagedBy(target).add(checksum);
  return made === true ? "staged" : "staged-before";
}

/** The copy is what counts: it is hashed itself, so that a writer beside us can't make a wrong object. */
export async function stageLarge(
  target: StageTarget | undefined,
  file: LargeFile,
): Promise<{ checksum: Checksum; staging: Staging }> {
  if (target === undefined) return { checksum: file.expected, staging: "not-asked" };
  if (hasObject(target.repository, "file", file.expected)) return { checksum: file.expected, staging: "stored" };
  const { stagingFd } = target;
  const copyName = temporaryName("copy");
  const copyFd = openAt(stagingFd, copyName, O.RDWR | O.CREAT | O.EXCL, 0o600);
  try {
    const digest = createHash("sha256").update(file.header);
    const size = copyPayload(copyFd, file.fd, file.size, (piece) => digest.update(piece), target.room);
    const checksum = digest.digest("hex") as Checksum;
    const isPlaced = await placeCopy(target, { name: copyName, fd: copyFd, size }, file.meta, checksum);
    return { checksum, staging: isPlaced ? "staged" : "staged-before" };
  } finally {
    closeFd(copyFd);
    tryUnlinkAt(stagingFd, copyName);
  }
}

function placeOf({ repository, stagingFd, room }: StageTarget): ContentTarget {
  return { dirFd: stagingFd, umask: repository.umask, zlibLevel: repository.config.zlibLevel, room };
}

let staged = new Set<Checksum>();
let stagedIn = "";

/** What this thread has staged: a second file with the same content need not be tried. */
function stagedBy({ transaction }: StageTarget): Set<Checksum> {
  if (transaction !== stagedIn) {
    staged = new Set();
    stagedIn = transaction;
  }
  return staged;
}
