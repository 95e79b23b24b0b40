/**
 * A file that both sides changed. A content object's checksum covers metadata and payload together, so the objects themselves are
 * compared: where one side changed only the payload and the other only metadata, a new object joins the two.
 */
import { createHash } from "node:crypto";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { type ContentMeta, encodeContentHeader, isLink } from "../../codec/ostree/content.ts";
import { closeContent, openContent, streamPayload } from "../content/content-format.ts";
import { copyContent } from "../content/copy-content.ts";
import type { OpenContent } from "../content/open-content.ts";
import { hasObject } from "../object-files.ts";
import type { Repository } from "../repository.ts";
import type { Transaction } from "../transaction.ts";
import { mergeOwned } from "./merge-owned.ts";
import type { Side } from "./merge-types.ts";
import { decide } from "./three-way.ts";

const TYPE = 0o170000;

export interface ContentMerge {
  readonly checksum: Checksum;
  /** Which side the payload is from. */
  readonly from: Side;
  readonly conflict: "content" | "metadata" | undefined;
}

export interface ContentRequest {
  readonly repository: Repository;
  /** Undefined: a dry run, in which a new object is only hashed. */
  readonly transaction: Transaction | undefined;
  readonly favoured: Side;
}

/** `base` is undefined where both sides added the file. Throws `not-found`, `corrupt`, `no-space`. */
export async function mergeContent(
  request: ContentRequest,
  base: Checksum | undefined,
  ours: Checksum,
  theirs: Checksum,
): Promise<ContentMerge> {
  const { repository, favoured } = request;
  const opened: OpenContent[] = [];
  const open = (checksum: Checksum): OpenContent => {
    opened.push(openContent(repository, checksum));
    return opened.at(-1)!;
  };
  try {
    const before = base === undefined ? undefined : open(base);
    const [a, b] = [open(ours), open(theirs)];
    const payloads = [
      before === undefined ? undefined : await payloadKey(before),
      await payloadKey(a),
      await payloadKey(b),
    ] as const;
    const payload = decide<string | undefined>(...payloads, favoured);
    if (payload.isConflict) return { checksum: favoured === "ours" ? ours : theirs, from: favoured, conflict: "content" };
    const from: Side = payload.value === payloads[1] ? "ours" : "theirs";
    const { meta, isConflict } = mergeMeta(before?.meta, a.meta, b.meta, from, favoured);
    const checksum = await objectOf(request, from === "ours" ? a : b, meta);
    return { checksum, from, conflict: isConflict ? "metadata" : undefined };
  } finally {
    for (const content of opened) closeContent(content);
  }
}

function mergeMeta(
  base: ContentMeta | undefined,
  ours: ContentMeta,
  theirs: ContentMeta,
  from: Side,
  favoured: Side,
): { meta: ContentMeta; isConflict: boolean } {
  const source = from === "ours" ? ours : theirs;
  // A link's permissions mean nothing, so they are no change.
  const neutral = base === undefined || isLink(base) ? source : base;
  const [a, b] = [ours, theirs].map((meta) => (isLink(meta) ? { ...meta, mode: neutral.mode } : meta)) as [
    ContentMeta,
    ContentMeta,
  ];
  const { value, isConflict } = mergeOwned(base, a, b, favoured);
  const type = source.mode & TYPE;
  const mode = isLink(source) ? source.mode : type | (value.mode & ~TYPE);
  return { meta: { ...value, mode, target: source.target }, isConflict };
}

/** The same for two objects exactly if all but owner, permissions and attributes is the same. */
async function payloadKey(content: OpenContent): Promise<string> {
  if (isLink(content.meta)) return `link ${content.meta.target}`;
  const digest = createHash("sha256");
  await streamPayload(content, (piece) => digest.update(piece));
  return `file ${digest.digest("hex")}`;
}

/** The object with that payload and metadata, staged unless the repository has it. */
async function objectOf({ repository, transaction }: ContentRequest, content: OpenContent, meta: ContentMeta): Promise<Checksum> {
  const checksum = await checksumWith(content, meta);
  if (transaction === undefined || hasObject(repository, "file", checksum)) return checksum;
  const { stagingFd, room } = transaction;
  await copyContent({ content, meta, repository, stagingFd, room, label: `merge-${checksum}`, expected: checksum });
  return checksum;
}

async function checksumWith(content: OpenContent, meta: ContentMeta): Promise<Checksum> {
  const digest = createHash("sha256").update(encodeContentHeader(meta));
  await streamPayload(content, (piece) => digest.update(piece));
  return digest.digest("hex") as Checksum;
}
