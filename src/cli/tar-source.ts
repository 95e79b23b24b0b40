/** An archive that is named on the command line; `-` is stdin. */
import { addAbortSignal } from "node:stream";
import process from "node:process";
import { RegrowError } from "../base/errors.ts";
import type { CommitSource } from "../store/commit.ts";

export function tarSource(name: string, signal: AbortSignal): CommitSource & { kind: "tar" } {
  return name === "-" ? { kind: "tar", name: "stdin", chunks: stdinChunks(signal) } : { kind: "tar", name };
}

async function* stdinChunks(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer>;
  } catch (error) {
    throw signal.aborted ? new RegrowError("cancelled", "Cancelled.", { cause: error }) : error;
  }
}
