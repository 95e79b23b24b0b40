/** What archives and streams have in common when a commit's tree leaves the repository in them. */
import { type Observer, notice } from "../../base/events.ts";
import { type XattrRecord, effectiveXattrs } from "../../codec/ostree/xattrs.ts";
import type { EntryRecord } from "../../codec/sidecar/folder-record.ts";
import type { TreeItem } from "./tree-order.ts";

/** Passes the items on, and tells at the end how many have inode flags; `form`: what has no place for them. */
export function* tellFlags(items: Iterable<TreeItem>, form: string, observer: Observer): Generator<TreeItem, void, undefined> {
  let lost = 0;
  for (const item of items) {
    if (item.record?.flags) lost++;
    yield item;
  }
  if (lost > 0)
    notice(observer, "flags", `the inode flags (chattr) of ${lost} files don't come along: ${form} has no place for them`);
}

/** Those of the object, and those with an empty value, which only the sidecar has. */
export function allXattrs(xattrs: readonly XattrRecord[], record: EntryRecord | undefined): readonly XattrRecord[] {
  const empty = record?.emptyXattrs;
  const own = effectiveXattrs(xattrs);
  return empty === undefined ? own : [...own, ...empty.map((name) => ({ name, value: NO_VALUE }))];
}

const NO_VALUE = Buffer.alloc(0);
