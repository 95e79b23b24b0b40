/**
 * The worker's part of a pull: content objects copied, converted and hashed, each staged only if its bytes match its name.
 * What is wrong with single objects is told beside the result, so that all of it can be named at once.
 */
import { RegrowError, SystemError, isErrno } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { linkAt, tryMakeDirAt } from "../../sys/names.ts";
import { closeContent, hashContent, openContent } from "../content/content-format.ts";
import { type CopiedContent, copyContent } from "../content/copy-content.ts";
import type { OpenContent } from "../content/open-content.ts";
import { objectFile, ownerOf } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { Room } from "../room.ts";

export interface PullObjectsJob {
  readonly source: Repository;
  readonly target: Repository;
  readonly stagingFd: number;
  /** Share the source's files by hard links where the modes are the same. */
  readonly link: boolean;
  readonly room: Room;
  readonly objects: readonly Checksum[];
}

export interface RefusedObject {
  readonly checksum: Checksum;
  readonly code: "corrupt" | "hostile" | "not-found" | "unsupported";
  readonly message: string;
  readonly hint: string | undefined;
}

export interface PullObjectsResult {
  readonly copied: number;
  /** Bytes that the new objects take in the target; nothing for linked ones. */
  readonly bytes: number;
  readonly refused: readonly RefusedObject[];
}

const REFUSALS: ReadonlySet<string> = new Set<RefusedObject["code"]>(["corrupt", "hostile", "not-found", "unsupported"]);

export async function pullObjects(job: PullObjectsJob): Promise<PullObjectsResult> {
  const refused: RefusedObject[] = [];
  let bytes = 0;
  for (const checksum of job.objects) {
    try {
      bytes += (await pullObject(job, checksum)).bytes;
    } catch (error) {
      refused.push(refusal(checksum, error));
    }
  }
  return { copied: job.objects.length - refused.length, bytes, refused };
}

async function pullObject(job: PullObjectsJob, checksum: Checksum): Promise<CopiedContent> {
  const { source, target: repository, stagingFd, room } = job;
  const content = openContent(source, checksum);
  try {
    if (job.link && (await tryLink(job, content, checksum))) return { checksum, bytes: 0 };
    const label = `copy-${checksum}`;
    return await copyContent({ content, meta: content.meta, repository, stagingFd, room, label, expected: checksum });
  } finally {
    closeContent(content);
  }
}

async function tryLink(
  { source, target, stagingFd }: PullObjectsJob,
  content: OpenContent,
  checksum: Checksum,
): Promise<boolean> {
  const owner = ownerOf(source, "file", checksum);
  if (owner === undefined || owner.config.mode !== target.config.mode) return false;
  if ((await hashContent(content)) !== checksum) throw new RegrowError("corrupt", "Its content does not match its checksum.");
  const name = objectFile(target, "file", checksum);
  try {
    tryMakeDirAt(stagingFd, name.slice(0, 2), 0o755);
    linkAt(owner.objectsFd, name, stagingFd, name);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return true;
    if (isErrno(error, "EXDEV", "EMLINK", "EPERM", "EOPNOTSUPP")) return false;
    throw error;
  }
}

function refusal(checksum: Checksum, error: unknown): RefusedObject {
  if (!(error instanceof RegrowError) || error instanceof SystemError || !REFUSALS.has(error.code)) throw error;
  return { checksum, code: error.code as RefusedObject["code"], message: error.message, hint: error.hint };
}
