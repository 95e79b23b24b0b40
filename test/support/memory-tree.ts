/** A tree in memory, for code that looks into trees. */
import type { TreeReader } from "../../src/boot/tree-reader.ts";

export function memoryTree(files: Readonly<Record<string, string | Buffer>>): TreeReader {
  const paths = Object.keys(files);
  return {
    list: async (folder) => {
      const below = paths.filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
      return [...new Set(below.map((path) => path.split("/")[0]!))];
    },
    read: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
  };
}
