/**
 * Where a pull takes its objects from. A repository in a folder is read here, by the store's own readers and by worker
 * threads with synchronous calls; what is reached over a wire comes through transport-source.ts. So a folder needs no
 * transport of its own: it would only hide files that the workers can open.
 */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { looseName } from "../../codec/ostree/object-name.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";
import { tryStatAt } from "../../sys/stat.ts";
import { holdObjects } from "../hold-objects.ts";
import { MAX_METADATA, type MetadataKind, objectFile, ownerOf, tryLoadMetadata } from "../object-files.ts";
import { isPartial } from "../partial-commits.ts";
import { isCompanionRef, listRefs, splitRemote } from "../refs.ts";
import type { Repository } from "../repository.ts";

export interface SourceRef {
  readonly name: string;
  readonly commit: Checksum;
}

export interface ObjectSource {
  /** A path or an address, for people. */
  readonly name: string;
  /** The repository itself, where it is a folder of this machine. */
  readonly repository: Repository | undefined;
  /** Keeps objects from being removed there, where that can be; what it returns ends that. */
  hold(signal: AbortSignal | undefined): Promise<() => void>;
  /** Branches and tags: neither companion refs nor those of the source's own remotes. */
  listRefs(): Promise<readonly SourceRef[]>;
  /** Whether the commit is there without all of its tree. */
  isPartial(commit: Checksum): Promise<boolean>;
  /** Bytes that match the checksum, undefined where there is no such object. Throws `corrupt`. */
  tryLoadMetadata(kind: MetadataKind, checksum: Checksum): Promise<Buffer | undefined>;
  /** A commit's detached metadata: signatures. */
  tryLoadDetached(commit: Checksum): Promise<Buffer | undefined>;
  /** Bytes that the object takes there, 0 where that can't be known, undefined where there is no such object. */
  contentSize(checksum: Checksum): Promise<number | undefined>;
  /** Brings content objects within the reach of workers. Not verified. */
  provideContent(checksums: readonly Checksum[], signal: AbortSignal | undefined): Promise<ProvidedContent>;
}

export interface ProvidedContent {
  /** Where workers open them; the rest of such a repository is not there. */
  readonly repository: Repository;
  /** To be called when they have been read. */
  release(): void;
}

/** A repository in a folder of this machine. */
export function repositorySource(repository: Repository): ObjectSource {
  return {
    name: repository.path,
    repository,
    hold: (signal) => holdObjects(repository, signal),
    listRefs: async () =>
      listRefs(repository).filter(({ name }) => !isCompanionRef(name) && splitRemote(name).remote === undefined),
    isPartial: async (commit) => isPartial(ownerOf(repository, "commit", commit) ?? repository, commit),
    tryLoadMetadata: async (kind, checksum) => tryLoadMetadata(repository, kind, checksum),
    tryLoadDetached: async (commit) => loadDetached(repository, commit),
    contentSize: async (checksum) => contentSize(repository, checksum),
    provideContent: async () => ({ repository, release: () => {} }),
  };
}

/** A commit's detached metadata as it is stored. */
export function loadDetached(repository: Repository, commit: Checksum): Buffer | undefined {
  return tryReadFileAt(
    (ownerOf(repository, "commit", commit) ?? repository).objectsFd,
    looseName(commit, "commitmeta"),
    MAX_METADATA,
  );
}

function contentSize(repository: Repository, checksum: Checksum): number | undefined {
  for (let at: Repository | undefined = repository; at !== undefined; at = at.parent) {
    const stat = tryStatAt(at.objectsFd, objectFile(at, "file", checksum));
    if (stat !== undefined) return stat.size;
  }
  return undefined;
}
