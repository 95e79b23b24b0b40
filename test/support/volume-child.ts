/** One verb of a volume driver in a process of its own: VERB FOLDER. Trees are called live, base, and what is made is called new. */
import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";
import { bytesOf } from "../../src/base/byte-string.ts";
import { RegrowError } from "../../src/base/errors.ts";
import { CWD, O, openAt } from "../../src/sys/open.ts";
import { openVolume } from "../../src/volume/open-volume.ts";

const [verb, folder] = process.argv.slice(2) as [string, string];
const folderFd = openAt(CWD, bytesOf(folder), O.RDONLY | O.DIRECTORY);
const driver = openVolume(folderFd);
const place = (name: string): { folderFd: number; name: ReturnType<typeof bytesOf> } => ({ folderFd, name: bytesOf(name) });

/** With REGROW_CUT_STREAM the process is killed in the middle of it. */
async function* stream(): AsyncGenerator<Uint8Array> {
  const data = readFileSync(`${folder}/stream`);
  const cut = Number(process.env["REGROW_CUT_STREAM"] ?? Infinity);
  for (let at = 0; at < data.length; at += 4096) {
    if (at >= cut) process.kill(process.pid, "SIGKILL");
    yield data.subarray(at, at + 4096);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const VERBS: Readonly<Record<string, () => Promise<unknown>>> = {
  snapshot: () => driver.snapshot(place("live"), place("new")),
  clone: () => driver.clone(place("live"), place("new")),
  remove: () => driver.remove(place("new")),
  build: () => driver.build(place("new"), place("live"), async (fd) => appendFileSync(`/proc/self/fd/${fd}/file`, "more")),
  receive: () => driver.receive(stream(), place("new")),
};

try {
  await VERBS[verb]!();
} catch (error) {
  if (!(error instanceof RegrowError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = error.exitCode;
}
