/**
 * Whether a folder's sidecar can be that folder's: it decodes, it names what the folder has and, where it adds an entry, none that
 * is there already. Which objects hold what is wrong is told with it, for a record may fit one folder and not another.
 */
import { type ByteString, displayBytes, isUtf8 } from "../../base/byte-string.ts";
import { type Checksum, checksumOf } from "../../codec/ostree/checksum.ts";
import { encodeContentHeader } from "../../codec/ostree/content.ts";
import type { DirTree } from "../../codec/ostree/dirtree.ts";
import { type EntryRecord, decodeFolderRecord } from "../../codec/sidecar/folder-record.ts";
import { ODD_NAMES, RECORD_NAME, unescapeName } from "../../codec/sidecar/sidecar-name.ts";
import { closeContent, openContent, readPayload } from "../content/content-format.ts";
import type { Repository } from "../repository.ts";
import { MAX_RECORD, type SidecarRef } from "../tree/folder-view.ts";
import { type CheckedName, isGone, reasonOf } from "./damage.ts";
import type { MetadataReader } from "./metadata-reader.ts";

export interface SidecarProblem extends CheckedName {
  readonly reason: string;
}

/** A folder with its sidecar, and what lies below; of a sidecar alone, what lies below it there. */
export interface FolderPair {
  readonly tree: Checksum;
  readonly sidecar: SidecarRef;
}

export interface PairParts {
  readonly plain: DirTree | undefined;
  /** The sidecar's folder, and the odd names in it; undefined where it has none or they can't be read. */
  readonly own: DirTree | undefined;
  readonly oddTree: Checksum | undefined;
  readonly odd: DirTree | undefined;
  readonly record: Checksum | undefined;
}

export function readPair(reader: MetadataReader, { tree, sidecar }: FolderPair): PairParts {
  const plain = reader.tree(tree);
  if (sidecar?.kind !== "folder") return { plain, own: undefined, oddTree: undefined, odd: undefined, record: sidecar?.checksum };
  const own = reader.tree(sidecar.tree);
  const oddTree = own?.dirs.find(({ name }) => name === ODD_NAMES)?.tree;
  const odd = oddTree === undefined ? undefined : reader.tree(oddTree);
  return { plain, own, oddTree, odd, record: own?.files.find(({ name }) => name === RECORD_NAME)?.checksum };
}

/** Throws what says nothing about the repository. Content that is damaged or missing is not told of here. */
export function checkSidecar(
  repository: Repository,
  sidecar: SidecarRef & object,
  parts: PairParts,
  isReadable: (record: Checksum) => boolean,
): SidecarProblem[] {
  const { plain, own, oddTree, odd, record } = parts;
  if (plain === undefined) return [];
  const problems: SidecarProblem[] = [];
  const files = new Set(plain.files.map(({ name }) => name));
  const dirs = new Set(plain.dirs.map(({ name }) => name));
  const takeOdd = (name: ByteString, names: Set<ByteString>): void => {
    const reason = oddReason(name);
    if (reason !== undefined) problems.push({ kind: "dirtree", checksum: oddTree!, reason });
    else names.add(unescapeName(name));
  };
  for (const { name } of odd?.files ?? []) takeOdd(name, files);
  for (const { name } of odd?.dirs ?? []) takeOdd(name, dirs);
  if (sidecar.kind === "folder")
    for (const name of childNames(own)) {
      const reason = childReason(name, dirs);
      if (reason !== undefined) problems.push({ kind: "dirtree", checksum: sidecar.tree, reason });
    }
  if (record !== undefined && isReadable(record)) {
    const reason = recordReason(repository, record, files, dirs);
    if (reason !== undefined) problems.push({ kind: "file", checksum: record, reason });
  }
  return problems;
}

function oddReason(name: ByteString): string | undefined {
  try {
    return isUtf8(unescapeName(name)) ? `as a sidecar it holds "${displayBytes(name)}", which is no odd name` : undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function childNames(own: DirTree | undefined): ByteString[] {
  const files = (own?.files ?? []).filter(({ name }) => name !== RECORD_NAME);
  const dirs = (own?.dirs ?? []).filter(({ name }) => name !== ODD_NAMES);
  return [...files, ...dirs].map(({ name }) => name);
}

function childReason(name: ByteString, dirs: ReadonlySet<ByteString>): string | undefined {
  try {
    if (dirs.has(unescapeName(name))) return undefined;
  } catch (error) {
    return reasonOf(error);
  }
  return `as a sidecar it holds "${displayBytes(name)}", and there is no such folder`;
}

function recordReason(
  repository: Repository,
  record: Checksum,
  files: ReadonlySet<ByteString>,
  dirs: ReadonlySet<ByteString>,
): string | undefined {
  const content = tryOpen(repository, record);
  if (content === undefined) return undefined;
  try {
    if (content.size > MAX_RECORD) return "it is too large for a sidecar";
    const data = readPayload(content);
    const reason = decodedReason(data, files, dirs);
    if (reason === undefined) return undefined;
    // Bytes that are not those of the name are damage, which is found and told elsewhere.
    return checksumOf(Buffer.concat([encodeContentHeader(content.meta), data])) === record ? reason : undefined;
  } catch (error) {
    reasonOf(error);
    return undefined;
  } finally {
    closeContent(content);
  }
}

function decodedReason(data: Buffer, files: ReadonlySet<ByteString>, dirs: ReadonlySet<ByteString>): string | undefined {
  try {
    for (const entry of decodeFolderRecord(data)) {
      const reason = entryReason(entry, files, dirs);
      if (reason !== undefined) return reason;
    }
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function entryReason(
  { name, node }: EntryRecord,
  files: ReadonlySet<ByteString>,
  dirs: ReadonlySet<ByteString>,
): string | undefined {
  if (name === "") return undefined;
  const isThere = files.has(name) || dirs.has(name);
  if (node !== undefined) return isThere ? `as a sidecar it adds "${displayBytes(name)}", which is there already` : undefined;
  return files.has(name) ? undefined : `as a sidecar it names "${displayBytes(name)}", and there is no such file`;
}

function tryOpen(repository: Repository, checksum: Checksum): ReturnType<typeof openContent> | undefined {
  try {
    return openContent(repository, checksum);
  } catch (error) {
    if (!isGone(error)) reasonOf(error);
    return undefined;
  }
}
