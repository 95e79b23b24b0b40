/** Unpacks a file of send streams in a process of its own: TARGET STREAM. Exits with the error's code. */
import { createReadStream } from "node:fs";
import process from "node:process";
import { RegrowError } from "../../src/base/errors.ts";
import { unpackStreams } from "../../src/volume/btrfs/unpack/unpack-streams.ts";

const [target, stream] = process.argv.slice(2) as [string, string];
try {
  await unpackStreams(createReadStream(stream), target);
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.exitCode;
}
