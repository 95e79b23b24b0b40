/** The small part of a pull: folders, folders' metadata, commits, and the detached metadata of commits. */
import { RegrowError } from "../../base/errors.ts";
import { decodeDetachedMetadata } from "../../codec/ostree/detached-metadata.ts";
import { decodeDirMeta } from "../../codec/ostree/dirmeta.ts";
import { looseName, objectText } from "../../codec/ostree/object-name.ts";
import { hasObject } from "../object-files.ts";
import { markPartial, unmarkPartial } from "../partial-commits.ts";
import { takeRoom } from "../room.ts";
import { type Transaction, publish, stageFile, stageMetadata } from "../transaction.ts";
import { type ObjectSource, loadDetached } from "./object-source.ts";
import type { WalkedCommit } from "./walk-history.ts";
import type { PlannedMetadata } from "./walk-trees.ts";

/** Stages folders and detached metadata. Throws `not-found`, `corrupt`, `unsupported`, `no-space`. */
export async function stageTrees(
  transaction: Transaction,
  source: ObjectSource,
  metadata: readonly PlannedMetadata[],
  walked: readonly WalkedCommit[],
): Promise<void> {
  for (const object of metadata) {
    const data = await load(source, object);
    if (object.kind === "dirmeta") checkDirMeta(source, object, data);
    stageMetadata(transaction, object.kind, data);
  }
  for (const { checksum, state, isTip } of walked) {
    // Of the commits that are there already only the tips are looked at again: they may have been signed since.
    if (state === "fetch" || state === "thinned" || isTip) await stageDetached(transaction, source, checksum);
  }
}

/** Makes the commits part of the repository; their trees must be there. */
export async function stageCommits(
  transaction: Transaction,
  source: ObjectSource,
  walked: readonly WalkedCommit[],
): Promise<void> {
  const { repository } = transaction;
  // All that the commits name is there before one of them is.
  publish(transaction);
  for (const { checksum, state } of walked) {
    if (state === "whole" || hasObject(repository, "commit", checksum)) continue;
    if (state === "thinned") markPartial(repository, checksum);
    stageMetadata(transaction, "commit", await load(source, { kind: "commit", checksum }));
  }
  publish(transaction);
  unmarkPartial(
    repository,
    walked.filter(({ state }) => state === "fetch").map(({ checksum }) => checksum),
  );
}

async function load(source: ObjectSource, object: PlannedMetadata): Promise<Buffer> {
  const data = await source.tryLoadMetadata(object.kind, object.checksum);
  if (data !== undefined) return data;
  const name = objectText(object);
  throw new RegrowError("not-found", `${source.name}: ${name}: the object is missing there.`, { path: name });
}

/** Only what can be read later may come in. */
function checkDirMeta(source: ObjectSource, object: PlannedMetadata, data: Buffer): void {
  try {
    decodeDirMeta(data);
  } catch (error) {
    if (!(error instanceof RegrowError)) throw error;
    const name = objectText(object);
    throw new RegrowError(error.code, `${source.name}: ${name}: ${error.message}`, { path: name, cause: error });
  }
}

/** Signatures can come later than the commit, so the source's replace what is there. */
async function stageDetached(transaction: Transaction, source: ObjectSource, checksum: WalkedCommit["checksum"]): Promise<void> {
  const data = await source.tryLoadDetached(checksum);
  if (data === undefined || loadDetached(transaction.repository, checksum)?.equals(data)) return;
  decodeDetachedMetadata(data);
  takeRoom(transaction.room, data.length);
  stageFile(transaction.stagingFd, looseName(checksum, "commitmeta"), data);
}
