/**
 * Reading a database of SQLite, by the library that Node has inside: it knows what a write-ahead log beside the database adds, needs no
 * program, and runs no code of whoever made the database.
 */
import { DatabaseSync } from "node:sqlite";
import { RegrowError } from "../base/errors.ts";
import { withPrivateFolder } from "./private-folder.ts";

/** The file, and its write-ahead log where there is one. */
export interface SqliteFiles {
  readonly database: Uint8Array;
  readonly log: Uint8Array | undefined;
}

/** The first column, bytes, of all rows that the query finds. Throws `corrupt`. */
export async function readBlobs({ database, log }: SqliteFiles, query: string): Promise<Buffer[]> {
  return withPrivateFolder((folder) => {
    folder.write("database", database);
    if (log !== undefined && log.length > 0) folder.write("database-wal", log);
    try {
      const opened = new DatabaseSync(`${folder.path}/database`);
      try {
        return opened.prepare(query).all().map(firstBlob);
      } finally {
        opened.close();
      }
    } catch (error) {
      throw new RegrowError("corrupt", `A database can't be read: ${(error as Error).message}.`, { cause: error });
    }
  });
}

function firstBlob(row: object): Buffer {
  const [value] = Object.values(row) as unknown[];
  if (!(value instanceof Uint8Array)) throw new Error("a value is no blob");
  return Buffer.from(value.buffer, value.byteOffset, value.length);
}
