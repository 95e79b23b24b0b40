/** Getting bad objects out of the way: fetched anew from another repository, or removed with their commits marked as partial. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { checksumOf } from "../../codec/ostree/checksum.ts";
import { type ObjectName, looseName } from "../../codec/ostree/object-name.ts";
import { syncFileSystem } from "../../sys/durable.ts";
import { tryUnlinkAt } from "../../sys/names.ts";
import { temporaryName } from "../../sys/temporary-name.ts";
import { closeContent, openContent } from "../content/content-format.ts";
import { copyContent } from "../content/copy-content.ts";
import { objectFile, tryLoadMetadata } from "../object-files.ts";
import { remarkPartial } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { withRepositoryLock } from "../repository-lock.ts";
import { publish, stageFile, withTransaction } from "../transaction.ts";

/** Fetches what `from` has in good order. Returns the objects that were mended. Each is verified before it is put in place. */
export async function repairObjects(
  repository: Repository,
  from: Repository,
  objects: readonly ObjectName[],
  signal: AbortSignal | undefined,
): Promise<ObjectName[]> {
  return withTransaction(repository, signal, async (transaction) => {
    const mended: ObjectName[] = [];
    for (const object of objects) {
      const { kind, checksum } = object;
      const isMended =
        kind === "file"
          ? await stageContentFrom(from, repository, transaction.stagingFd, checksum)
          : stageMetadataFrom(from, transaction.stagingFd, object);
      if (isMended) mended.push(object);
    }
    publish(transaction);
    return mended;
  });
}

/** Marks the commits, durably, and then removes the objects. Nobody else may write meanwhile. */
export async function deleteObjects(
  repository: Repository,
  objects: readonly ObjectName[],
  touched: readonly Checksum[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await withRepositoryLock(repository, "exclusive", signal, () => {
    remarkPartial(repository, touched, "damaged");
    for (const { kind, checksum } of objects) tryUnlinkAt(repository.objectsFd, objectFile(repository, kind, checksum));
    if (repository.config.fsync) syncFileSystem(repository.fd);
  });
}

async function stageContentFrom(
  from: Repository,
  repository: Repository,
  stagingFd: number,
  checksum: Checksum,
): Promise<boolean> {
  try {
    const content = openContent(from, checksum);
    try {
      await copyContent({ content, meta: content.meta, repository, stagingFd, label: temporaryName("mend"), expected: checksum });
      return true;
    } finally {
      closeContent(content);
    }
  } catch (error) {
    if (error instanceof RegrowError && ["corrupt", "hostile", "not-found", "unsupported"].includes(error.code)) return false;
    throw error;
  }
}

function stageMetadataFrom(from: Repository, stagingFd: number, { kind, checksum }: ObjectName): boolean {
  if (kind === "file") return false;
  try {
    const data = tryLoadMetadata(from, kind, checksum);
    if (data === undefined || checksumOf(data) !== checksum) return false;
    stageFile(stagingFd, looseName(checksum, kind), data);
    return true;
  } catch (error) {
    if (error instanceof RegrowError && error.code === "corrupt") return false;
    throw error;
  }
}
