/** Which files of A go on in B under which names, where files have several: a file can go on once, and its names must agree. */
import type { ByteString } from "../../../base/byte-string.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface LinkGroups {
  /** Whether the name, which both trees have, can go on naming the file that it names in A; asked once a name, in order. */
  keep(before: TreeEntry, entry: TreeEntry): boolean;
}

export function openLinkGroups(): LinkGroups {
  /** From the first name of a file in A to the first name in B of the one that it goes on as. */
  const goesOnAs = new Map<ByteString, ByteString>();
  return {
    keep(before, entry) {
      const file = before.sameAs ?? before.path;
      if (entry.sameAs !== undefined) return goesOnAs.get(file) === entry.sameAs;
      if (goesOnAs.has(file)) return false;
      goesOnAs.set(file, entry.path);
      return true;
    },
  };
}
