/** A repository of mode archive that holds whatever a test puts there, as no honest tool would. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import type { ByteString } from "../../src/base/byte-string.ts";
import { type Checksum, checksumOf, rawChecksum } from "../../src/codec/ostree/checksum.ts";
import { encodeCommit } from "../../src/codec/ostree/commit.ts";
import { type ContentMeta, encodeContentHeader, encodeFilezHeader } from "../../src/codec/ostree/content.ts";
import { encodeDirMeta } from "../../src/codec/ostree/dirmeta.ts";
import { type EntryRecord, encodeFolderRecord } from "../../src/codec/sidecar/folder-record.ts";
import { initRepository } from "../../src/store/repository.ts";
import { rawDirTree } from "./raw-objects.ts";

export interface RawRepository {
  readonly path: string;
  /** Stores bytes as a metadata object under the checksum that they have. */
  metadata(kind: "dirtree" | "dirmeta" | "commit", data: Buffer): Checksum;
  /** Stores a regular file. */
  file(payload: string | Buffer, meta?: Partial<ContentMeta>): Checksum;
  link(target: string): Checksum;
  /** Stores any bytes as a content object. */
  filez(checksum: string, data: Buffer): Checksum;
  /** The common dirmeta, of root's, 0755. */
  readonly meta: Checksum;
  /** A commit of this tree, and of this sidecar: the root dirtree of its tree. */
  commit(tree: Checksum, sidecar?: Checksum): Checksum;
  /** The dirtree of a sidecar for a tree of one folder. */
  sidecar(entries: readonly EntryRecord[], odd?: Checksum): Checksum;
}

export const REGULAR: ContentMeta = { uid: 0, gid: 0, mode: 0o100644, target: "" as ByteString, xattrs: [] };

export function makeRawRepository(path: string): RawRepository {
  initRepository(path, { mode: "archive" });
  const put = (checksum: string, extension: string, data: Buffer): Checksum => {
    mkdirSync(`${path}/objects/${checksum.slice(0, 2)}`, { recursive: true });
    writeFileSync(`${path}/objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.${extension}`, data);
    return checksum as Checksum;
  };
  const metadata: RawRepository["metadata"] = (kind, data) => put(checksumOf(data), kind, data);
  const content = (meta: ContentMeta, payload: Buffer): Checksum => {
    const packed = meta.target === "" ? deflateRawSync(payload) : Buffer.alloc(0);
    const data = Buffer.concat([encodeFilezHeader(meta, payload.length), packed]);
    return put(contentChecksum(meta, payload), "filez", data);
  };
  const file: RawRepository["file"] = (payload, meta) => content({ ...REGULAR, ...meta }, Buffer.from(payload));
  const meta = metadata("dirmeta", encodeDirMeta({ uid: 0, gid: 0, mode: 0o40755, xattrs: [] }));
  const plain = { parent: undefined, subject: "", body: "", timestamp: 1e9, meta };
  return {
    path,
    meta,
    metadata,
    file,
    link: (target) => content({ ...REGULAR, mode: 0o120777, target: target as ByteString }, Buffer.alloc(0)),
    filez: (checksum, data) => put(checksum, "filez", data),
    commit: (tree, sidecar) => {
      if (sidecar === undefined) return metadata("commit", encodeCommit({ ...plain, metadata: [], tree }));
      const companion = metadata("commit", encodeCommit({ ...plain, metadata: [], tree: sidecar }));
      const named = [["regrow.sidecar", { type: "ay", value: rawChecksum(companion) }]] as const;
      return metadata("commit", encodeCommit({ ...plain, metadata: named, tree }));
    },
    sidecar: (entries, odd) => {
      const record = file(encodeFolderRecord(entries));
      const dirs = odd === undefined ? [] : [{ name: "%.names", tree: odd, meta }];
      return metadata("dirtree", rawDirTree([{ name: "%", checksum: record }], dirs));
    },
  };
}

export function contentChecksum(meta: ContentMeta, payload: Buffer): Checksum {
  return createHash("sha256").update(encodeContentHeader(meta)).update(payload).digest("hex") as Checksum;
}
