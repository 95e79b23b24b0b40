/** A thread's part of writing a tree: many small objects, whose names are known, into the staging folder. */
import { type ContentMeta } from "../codec/ostree/content.ts";
import { writeContent } from "./content/content-format.ts";
import type { Repository } from "./repository.ts";
import { type Room, takeRoom } from "./room.ts";
import { inStagingFolder, stageFile } from "./transaction.ts";

export interface StageObjectsJob {
  readonly repository: Repository;
  readonly stagingFd: number;
  readonly room: Room;
  /** Names below the staging folder, `xx/…`. */
  readonly names: readonly string[];
  /** Bytes of each, one after the other in `data`. */
  readonly sizes: readonly number[];
  readonly data: Uint8Array;
  /** Undefined for metadata objects; for content, the metadata of all of them. */
  readonly content: ContentMeta | undefined;
}

/** Room is taken here, where the bytes are written: what waits in a queue would be overlooked when the file system is asked. */
export function stageObjects({ repository, stagingFd, room, names, sizes, data, content }: StageObjectsJob): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const place = { dirFd: stagingFd, umask: repository.umask, zlibLevel: repository.config.zlibLevel, room };
  let at = 0;
  for (const [index, name] of names.entries()) {
    const object = bytes.subarray(at, at + sizes[index]!);
    at += sizes[index]!;
    if (content === undefined) {
      takeRoom(room, object.length);
      stageFile(stagingFd, name, object);
    } else
      inStagingFolder(
        stagingFd,
        name,
        () => void writeContent(repository.config.mode, place, name, content, { kind: "memory", data: object }),
      );
  }
}
