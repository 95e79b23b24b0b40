/** A tree of everything that is hard to keep; nasty-tree.py says what that is. */
import path from "node:path";
import { runText } from "./programs.ts";

const script = path.join(import.meta.dirname, "nasty-tree.py");

export interface NastyParts {
  /** Owners, devices, capabilities, trusted.*: only root can make them. */
  readonly root?: boolean;
  /** Names that are not UTF-8. */
  readonly odd?: boolean;
  /** FIFOs and a socket; devices where `root` is set. */
  readonly nodes?: boolean;
  /** Inode flags; with `nocow` also btrfs' own. */
  readonly flags?: boolean;
  readonly nocow?: boolean;
  /** Attributes that ext4 can't hold. */
  readonly bigxattr?: boolean;
  /** Files around 32 MiB and one of 80. */
  readonly large?: boolean;
  /** So many folders in one another. */
  readonly deep?: number;
  /** So many files in one folder. */
  readonly many?: number;
}

/** Makes it; the count of each kind of entry. The folder `FOLDER.outside` beside it holds second names of some files. */
export function makeNastyTree(folder: string, parts: NastyParts): Map<string, number> {
  const options = Object.entries(parts).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return [value === true ? name : `${name}=${String(value)}`];
  });
  const lines = runText("python3", [script, folder, ...options]).split("\n");
  return new Map(lines.map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
}
