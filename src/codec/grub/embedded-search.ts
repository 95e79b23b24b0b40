/**
 * What a GRUB that is a program (`grubx64.efi`) has been told to look for: the early configuration that `grub-mkimage` and `grub-install` put into
 * it, and the scripts of a memdisk that is not packed, stand in the file as text. Read as text, without taking the file apart.
 */

export interface EmbeddedSearch {
  /** Whether the file is a GRUB at all. */
  readonly isGrub: boolean;
  /** UUIDs of file systems, in the order of the file, each once. */
  readonly uuids: readonly string[];
  /** Of the last `set prefix=($root)…` or `($dev)…`: the folder that its grub.cfg is in. */
  readonly prefix: string | undefined;
}

const UUID = "([0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})";
const QUOTE = `["']?`;
const SEARCHES = new RegExp(
  `search(?:\\.fs_uuid|[ \\t][^\\n\\0]*?(?:--fs-uuid|-u\\b)[^\\n\\0]*?)[ \\t]+${QUOTE}${UUID}(?![0-9A-Fa-f-])`,
  "g",
);
const PREFIX = /set prefix=\(\$\{?(?:root|dev)\}?\)["']?(\/[^\s"'\0]*)/g;

/** `program`: the whole file. */
export function findEmbeddedSearch(program: Uint8Array): EmbeddedSearch {
  const text = Buffer.from(program.buffer, program.byteOffset, program.length).toString("latin1");
  const uuids = [...text.matchAll(SEARCHES)].map((match) => match[1]!);
  return {
    isGrub: /GRUB  version|grub_(?:main|register_command)|normal\.mod|Welcome to GRUB/.test(text),
    uuids: [...new Set(uuids)],
    prefix: [...text.matchAll(PREFIX)].at(-1)?.[1],
  };
}
