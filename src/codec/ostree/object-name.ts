/** The kinds of objects in a repository and what each is called there: `objects/xx/<62 digits>.<extension>`. */
import type { Checksum } from "./checksum.ts";
import { isChecksum } from "./checksum.ts";

/** `file` is content, whatever its form on disk. */
export type ObjectKind = "file" | "dirtree" | "dirmeta" | "commit";

export interface ObjectName {
  readonly kind: ObjectKind;
  readonly checksum: Checksum;
}

const KINDS: Record<string, ObjectKind> = {
  file: "file",
  filez: "file",
  dirtree: "dirtree",
  dirmeta: "dirmeta",
  commit: "commit",
};

/** `xx/<62 digits>.<extension>` */
export function looseName(checksum: Checksum, extension: string): string {
  return `${checksum.slice(0, 2)}/${checksum.slice(2)}.${extension}`;
}

/** The object behind `folder/name`, or undefined where it is none (detached metadata, tombstones, temp files). */
export function parseLooseName(folder: string, name: string): ObjectName | undefined {
  const dot = name.indexOf(".");
  const checksum = folder + name.slice(0, dot);
  const kind = KINDS[name.slice(dot + 1)];
  return dot > 0 && kind !== undefined && isChecksum(checksum) ? { kind, checksum } : undefined;
}

/** `<checksum>.<kind>`, as ostree prints it. */
export function objectText(name: { readonly kind: string; readonly checksum: Checksum }): string {
  return `${name.checksum}.${name.kind}`;
}
