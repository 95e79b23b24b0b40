/** A transport that reads the files of an archive repository, as a web server would hand them out, and counts what was asked for. */
import { createReadStream, existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { Checksum } from "../../src/codec/ostree/checksum.ts";
import { looseName } from "../../src/codec/ostree/object-name.ts";
import type { RemoteRef, Transport } from "../../src/remote/transport.ts";

export interface CountedTransport extends Transport {
  /** How often each object was fetched. */
  readonly fetched: Map<string, number>;
}

export function archiveTransport(repository: string, options: { readonly sizes: boolean }): CountedTransport {
  const fetched = new Map<string, number>();
  const file = (checksum: Checksum, kind: string): string | undefined => {
    const name = looseName(checksum, kind);
    fetched.set(name, (fetched.get(name) ?? 0) + 1);
    const found = path.join(repository, "objects", name);
    return existsSync(found) ? found : undefined;
  };
  const listRefs = (): RemoteRef[] => {
    const heads = path.join(repository, "refs/heads");
    const names = readdirSync(heads, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return names.map((entry) => {
      const found = path.join(entry.parentPath, entry.name);
      return { name: path.relative(heads, found), commit: readFileSync(found, "utf8").trim() as Checksum };
    });
  };
  return {
    name: "test://archive",
    parallel: 3,
    fetched,
    listRefs: () => Promise.resolve(listRefs()),
    isPartial: (commit) => Promise.resolve(existsSync(path.join(repository, "state", `${commit}.commitpartial`))),
    fetchMetadata: (kind, checksum) => {
      const found = file(checksum, kind);
      return Promise.resolve(found === undefined ? undefined : readFileSync(found));
    },
    contentSize: (checksum) => {
      const found = path.join(repository, "objects", looseName(checksum, "filez"));
      return Promise.resolve(existsSync(found) ? (options.sizes ? statSync(found).size : 0) : undefined);
    },
    fetchContent: (checksum) => {
      const found = file(checksum, "filez");
      return Promise.resolve(found === undefined ? undefined : createReadStream(found, { highWaterMark: 7 }));
    },
  };
}
