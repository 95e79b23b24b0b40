/** Small trees and histories for tests of what passes between repositories. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { type CommitOptions, commitTree } from "../../src/store/commit.ts";
import { listRefs } from "../../src/store/refs.ts";
import type { Repository } from "../../src/store/repository.ts";

/** Files by path: a string is the content, an object says more. */
export type Tree = Readonly<
  Record<string, string | Buffer | { readonly link: string } | { readonly mode: number; readonly data: string }>
>;

/** Writes the tree into a new folder. */
export function writeTreeTo(folder: string, tree: Tree): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, entry] of Object.entries(tree)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    if (typeof entry === "string" || Buffer.isBuffer(entry)) writeFileSync(file, entry, { mode: 0o644 });
    else if ("link" in entry) symlinkSync(entry.link, file);
    else {
      writeFileSync(file, entry.data);
      execFileSync("chmod", [entry.mode.toString(8), file]);
    }
  }
  return folder;
}

let count = 0;

/** Commits the tree as it is written; `scratch` holds the folder that it is taken from. */
export async function commitFiles(
  repository: Repository,
  scratch: string,
  tree: Tree,
  options: Partial<CommitOptions> = {},
): Promise<Checksum> {
  const folder = writeTreeTo(path.join(scratch, `tree-${count++}`), tree);
  const { commit } = await commitTree(repository, { branch: "main", sources: [{ kind: "dir", path: folder }], ...options });
  return commit;
}

/** `<checksum>.<kind>` of all objects of a repository. */
export function objectsOf(repositoryPath: string): string[] {
  const objects = path.join(repositoryPath, "objects");
  return readdirSync(objects)
    .flatMap((folder) => readdirSync(path.join(objects, folder)).map((name) => folder + name))
    .sort();
}

/** Refs by name. */
export function refsOf(repository: Repository): Record<string, Checksum> {
  return Object.fromEntries(listRefs(repository).map(({ name, commit }) => [name, commit]));
}
