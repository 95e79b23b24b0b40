/** Folders of which nothing that the folder above passes on is left: no access list, no setgid bit, no inode flags. */
import type { ByteString } from "../base/byte-string.ts";
import { userFlags } from "./inode-flags.ts";
import { chmodFd, getFlags, setFlags } from "./metadata.ts";
import { removeXattrAt } from "./xattr.ts";

const INHERITED = ["system.posix_acl_access", "system.posix_acl_default"] as ByteString[];

/** Makes the new, open folder `name` of `parentFd` one that only its owner can enter. Throws SystemError. */
export function disinheritFolder(parentFd: number, name: ByteString, fd: number): void {
  for (const xattr of INHERITED) removeXattrAt(parentFd, name, xattr);
  chmodFd(fd, 0o700);
  const inherited = userFlags(getFlags(fd));
  if (inherited !== 0) setFlags(fd, getFlags(fd) & ~inherited);
}
