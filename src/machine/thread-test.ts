/** What must work on each thread: the native module, and a checksum. */
import { createHash } from "node:crypto";
import { RegrowError } from "../base/errors.ts";
import { CWD } from "../sys/open.ts";
import { S_IFDIR, statAt, typeOf } from "../sys/stat.ts";

// FIPS 180-2, appendix B.1.
const SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/** Throws `system` where a system call, `corrupt` where a checksum comes out wrong. */
export function testThread(): void {
  if (typeOf(statAt(CWD, "/").mode) !== S_IFDIR) throw new RegrowError("system", "/: statx says that it is no folder.");
  const checksum = createHash("sha256").update("abc").digest("hex");
  if (checksum !== SHA256_OF_ABC) throw new RegrowError("corrupt", `The SHA-256 of "abc" came out as ${checksum}.`);
}
