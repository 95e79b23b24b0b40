/** The folder in which a checkout grows, beside the name that it will have. */
import type { ByteString } from "../../base/byte-string.ts";
import { FLAG, chmodFd, getFlags, setFlags } from "../../sys/metadata.ts";
import { removeDirAt, tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { removeXattrAt } from "../../sys/xattr.ts";
import { userFlags } from "../scan/user-flags.ts";

/** Bytes of the target's name that its partial folder's name repeats, so that it does not become too long. */
const MOST_OF_NAME = 200;
const INHERITED = ["system.posix_acl_access", "system.posix_acl_default"] as ByteString[];

/** Makes it under a name that nobody has. Nothing of the folder above is passed on to what will be made in it. */
export function makePartialFolder(parentFd: number, target: ByteString): { name: ByteString; fd: number } {
  const start = `.${target.slice(0, MOST_OF_NAME)}.${process.pid}`;
  let name = `${start}.partial` as ByteString;
  for (let attempt = 1; !tryMakeDirAt(parentFd, name, 0o700); attempt++) name = `${start}-${attempt}.partial` as ByteString;
  let fd = -1;
  try {
    fd = openAt(parentFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    disinherit(parentFd, name, fd);
    return { name, fd };
  } catch (error) {
    if (fd >= 0) closeFd(fd);
    removeDirAt(parentFd, name);
    throw error;
  }
}

function disinherit(parentFd: number, name: ByteString, fd: number): void {
  for (const xattr of INHERITED) removeXattrAt(parentFd, name, xattr);
  // Also without the setgid bit.
  chmodFd(fd, 0o700);
  // A project's quota goes on to count what is below its folder.
  const inherited = userFlags(getFlags(fd)) & ~FLAG.projectInherit;
  if (inherited !== 0) setFlags(fd, getFlags(fd) & ~inherited);
}
