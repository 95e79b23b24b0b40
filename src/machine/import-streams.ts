/** btrfs send streams into a repository: each subvolume is unpacked inside it, becomes a commit, and is removed again. */
import { type ByteString } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";
import type { Observer } from "../base/events.ts";
import { renameAt } from "../sys/names.ts";
import { readUnpacked } from "../sys/unpacked-stream.ts";
import type { Repository } from "../store/repository.ts";
import { makeScratchFolder } from "../store/scratch-folder.ts";
import { unpackStreams } from "../volume/btrfs/unpack/unpack-streams.ts";

export interface StreamedTree {
  /** Of the subvolume. */
  readonly name: ByteString;
  /** A folder; it goes when all have been committed. */
  readonly path: string;
}

/**
 * Unpacks the streams of a file or of an open pipe, packed or not, one after the other, and has each tree committed. Nothing is
 * committed where a stream is damaged or ends too early. Throws what reading streams throws, `not-found` for changes whose base is in
 * none of the streams before, `missing-privilege` without root, `cancelled`, SystemError.
 */
export async function importStreams(
  repository: Repository,
  source: string | number,
  commit: (tree: StreamedTree) => Promise<void>,
  observer: Observer = {},
): Promise<void> {
  refuseWithoutRoot();
  const scratch = makeScratchFolder(repository);
  try {
    const { signal } = observer;
    const folder = `/proc/self/fd/${scratch.fd}`;
    const unpacked = await unpackStreams(readUnpacked(source, signal), folder, signal === undefined ? {} : { signal });
    if (unpacked.length === 0) throw new RegrowError("corrupt", "There is no subvolume in the stream.");
    for (const [index, { name }] of unpacked.entries()) {
      // The name may be no text, and the path of a source is one.
      const plain = `tree-${index}`;
      renameAt(scratch.fd, name, scratch.fd, plain as ByteString);
      await commit({ name, path: `${folder}/${plain}` });
    }
  } finally {
    scratch.remove();
  }
}

function refuseWithoutRoot(): void {
  if (process.geteuid!() === 0) return;
  throw new RegrowError("missing-privilege", "Unpacking a send stream needs root: it gives files their owners.", {
    hint: "Run it as root.",
  });
}
