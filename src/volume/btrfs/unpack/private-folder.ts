/** The folder in which subvolumes grow: nobody else can enter it, whatever modes the stream gives. */
import type { ByteString } from "../../../base/byte-string.ts";
import { FLAG, chmodFd, getFlags, setFlags } from "../../../sys/metadata.ts";
import { makeDirAt, removeDirAt } from "../../../sys/names.ts";
import { O, closeFd, openAt } from "../../../sys/open.ts";
import { temporaryName } from "../../../sys/temporary-name.ts";
import { removeXattrAt } from "../../../sys/xattr.ts";

const INHERITED = ["system.posix_acl_access", "system.posix_acl_default"] as ByteString[];
const INHERITED_FLAGS =
  FLAG.compress | FLAG.noCompress | FLAG.noCow | FLAG.sync | FLAG.dirSync | FLAG.noDump | FLAG.noAtime | FLAG.journalData;

/** Nothing of the folder above is passed on to what is made in it. */
export function makePrivateFolder(parentFd: number): { readonly name: ByteString; readonly fd: number } {
  const name = `${temporaryName("regrow-unpack")}.partial` as ByteString;
  makeDirAt(parentFd, name, 0o700);
  let fd = -1;
  try {
    fd = openAt(parentFd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    for (const xattr of INHERITED) removeXattrAt(parentFd, name, xattr);
    // Also without the setgid bit.
    chmodFd(fd, 0o700);
    const flags = getFlags(fd);
    if ((flags & INHERITED_FLAGS) !== 0) setFlags(fd, flags & ~INHERITED_FLAGS);
    return { name, fd };
  } catch (error) {
    if (fd >= 0) closeFd(fd);
    removeDirAt(parentFd, name);
    throw error;
  }
}
