/**
 * A whole tree as a send stream. Folders get their metadata when everything is in them: their time would change, and what is made
 * in them would inherit.
 */
import type { SendCommand } from "../command.ts";
import { encodeCommand, encodeHeader } from "../encode-command.ts";
import { type Commands, contentOf, creationOf, metadataOf, timesOf } from "./entry-commands.ts";
import { type TreeEntries, type TreeEntry, type WriteOptions, inOrder, isBelow, isFolder } from "./tree-entry.ts";

const FIRST_INO = 257;

/**
 * The bytes of a stream that `btrfs receive` makes this tree from. Throws `usage` for entries out of order, `unsupported` for what
 * a stream can't hold, `torn`, and what reading the files throws.
 */
export async function* writeFullStream(entries: TreeEntries, options: WriteOptions): AsyncGenerator<Buffer, void, undefined> {
  yield* encodeStream(fullCommands(entries, options), options);
}

/** A header, the commands, and the end. */
export async function* encodeStream(
  commands: Commands,
  { version = 1 }: Pick<WriteOptions, "version">,
): AsyncGenerator<Buffer, void, undefined> {
  yield encodeHeader(version);
  for await (const command of commands) yield encodeCommand(command, version);
  yield encodeCommand({ kind: "end" }, version);
}

async function* fullCommands(entries: TreeEntries, options: WriteOptions): AsyncGenerator<SendCommand, void, undefined> {
  const { name, uuid, ctransid, version = 1 } = options;
  yield { kind: "subvol", path: name, uuid, ctransid };
  const open: TreeEntry[] = [];
  let ino = FIRST_INO;
  const leave = function* (path: string | undefined): Generator<SendCommand, void, undefined> {
    while (open.length > 0 && (path === undefined || !isBelow(path, open.at(-1)!.path))) {
      const folder = open.pop()!;
      yield* metadataOf(folder, undefined, false);
      yield timesOf(folder, version);
    }
  };
  for await (const entry of inOrder(entries)) {
    yield* leave(entry.path);
    if (entry.path !== "") yield creationOf(entry, ino++);
    if (isFolder(entry)) open.push(entry);
    else if (entry.sameAs === undefined) {
      yield* contentOf(entry, version);
      yield* metadataOf(entry, undefined, false);
      yield timesOf(entry, version);
    }
  }
  yield* leave(undefined);
}
