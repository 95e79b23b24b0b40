/** Small trees and histories for tests of what passes between repositories. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { isLink } from "../../src/codec/ostree/content.ts";
import { type CommitOptions, commitTree } from "../../src/store/commit.ts";
import { closeContent, openContent, readPayload } from "../../src/store/content/content-format.ts";
import { listRefs } from "../../src/store/refs.ts";
import type { Repository } from "../../src/store/repository.ts";
import { loadWorkingTree } from "../../src/store/tree/load-working-tree.ts";
import type { FolderNode } from "../../src/store/tree/working-tree.ts";

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
  const { commit } = await commitTree(repository, {
    branch: "main",
    sources: [{ kind: "dir", path: folder }],
    workers: 1,
    ...options,
  });
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

/** What a commit's tree holds, by path: `644 content`, `-> target`, `755/` for a folder, `node` for a device or FIFO. */
export function filesOf(repository: Repository, commit: Checksum): Record<string, string> {
  const files: Record<string, string> = {};
  list(repository, loadWorkingTree(repository, commit), "", files);
  return files;
}

function list(repository: Repository, folder: FolderNode, prefix: string, files: Record<string, string>): void {
  for (const [name, { checksum }] of folder.files) {
    const content = openContent(repository, checksum);
    const { mode, target } = content.meta;
    files[prefix + name] = isLink(content.meta)
      ? `-> ${target}`
      : `${(mode & 0o7777).toString(8)} ${readPayload(content).toString("utf8")}`;
    closeContent(content);
  }
  for (const name of folder.nodes.keys()) files[prefix + name] = "node";
  for (const [name, child] of folder.dirs) {
    files[`${prefix}${name}/`] = (child.meta.mode & 0o7777).toString(8);
    list(repository, child, `${prefix}${name}/`, files);
  }
}
