/**
 * Objects that come over a transport. They are laid down in a scratch folder of the target: metadata for the length of the pull,
 * content as `.filez` until a worker has taken it over from there. Metadata is checked here, content by the worker.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { checksumOf } from "../../codec/ostree/checksum.ts";
import { RegrowError, throwIfCancelled } from "../../base/errors.ts";
import { looseName, objectText } from "../../codec/ostree/object-name.ts";
import { tryMakeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";
import { writeAt } from "../../sys/write-file.ts";
import type { Transport } from "../../remote/transport.ts";
import { MAX_METADATA, type MetadataKind } from "../object-files.ts";
import { isCompanionRef, splitRemote } from "../refs.ts";
import type { Repository } from "../repository.ts";
import { type ScratchFolder, makeScratchFolder } from "../scratch-folder.ts";
import { stageFile } from "../transaction.ts";
import type { ObjectSource, ProvidedContent } from "./object-source.ts";

/** For one pull into `target`. */
export function transportSource(transport: Transport, target: Repository): ObjectSource {
  let scratch: ScratchFolder | undefined;
  const place = (): number => (scratch ??= makeScratchFolder(target)).fd;
  return {
    name: transport.name,
    repository: undefined,
    hold: async () => {
      place();
      return () => {
        scratch?.remove();
        scratch = undefined;
      };
    },
    listRefs: async () => {
      const refs = await transport.listRefs();
      return refs.filter(({ name }) => !isCompanionRef(name) && splitRemote(name).remote === undefined);
    },
    isPartial: (commit) => transport.isPartial(commit),
    tryLoadMetadata: (kind, checksum) => loadMetadata(transport, place(), kind, checksum),
    tryLoadDetached: (commit) => transport.fetchMetadata("commitmeta", commit),
    contentSize: (checksum) => transport.contentSize(checksum),
    provideContent: (checksums, signal) => provideContent(transport, target, place(), checksums, signal),
  };
}

async function loadMetadata(
  transport: Transport,
  scratchFd: number,
  kind: MetadataKind,
  checksum: Checksum,
): Promise<Buffer | undefined> {
  const name = looseName(checksum, kind);
  const kept = tryReadFileAt(scratchFd, name, MAX_METADATA);
  if (kept !== undefined) return kept;
  const data = await transport.fetchMetadata(kind, checksum);
  if (data === undefined) return undefined;
  if (checksumOf(data) !== checksum) throw wrongChecksum(transport, kind, checksum);
  stageFile(scratchFd, name, data);
  return data;
}

async function provideContent(
  transport: Transport,
  target: Repository,
  scratchFd: number,
  checksums: readonly Checksum[],
  signal: AbortSignal | undefined,
): Promise<ProvidedContent> {
  const names = checksums.map((checksum) => looseName(checksum, "filez"));
  const release = (): void => {
    for (const name of names) tryUnlinkAt(scratchFd, name);
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < checksums.length) {
      throwIfCancelled(signal);
      const index = next++;
      await fetchInto(transport, scratchFd, names[index]!, checksums[index]!, signal);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: transport.parallel }, lane));
  const failed = lanes.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    release();
    throw failed.reason;
  }
  const config = { ...target.config, mode: "archive" as const };
  return { repository: { ...target, path: transport.name, objectsFd: scratchFd, config, parent: undefined }, release };
}

/** An object that the other side lacks is found missing by the worker. */
async function fetchInto(
  transport: Transport,
  scratchFd: number,
  name: string,
  checksum: Checksum,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stream = await transport.fetchContent(checksum, signal);
  if (stream === undefined) return;
  tryMakeDirAt(scratchFd, name.slice(0, 2), 0o700);
  const fd = openAt(scratchFd, name, O.WRONLY | O.CREAT | O.TRUNC, 0o600);
  try {
    let position = 0;
    for await (const piece of stream) {
      writeAt(fd, piece, position);
      position += piece.length;
    }
  } finally {
    closeFd(fd);
  }
}

function wrongChecksum(transport: Transport, kind: MetadataKind, checksum: Checksum): RegrowError {
  const name = objectText({ kind, checksum });
  return new RegrowError("corrupt", `${transport.name}: ${name}: what came does not match its checksum.`, {
    path: name,
    hint: "Try again; if it stays so, that repository is damaged: run `regrow fsck` there.",
  });
}
