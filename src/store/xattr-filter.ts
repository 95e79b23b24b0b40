/**
 * Which extended attributes belong to a file's content, and which are a machine's own labels that change by themselves:
 * kept are user.*, trusted.* (also overlay's, which tell what a container's layer hides), security.capability,
 * security.selinux and POSIX ACLs. Dropped are IMA, EVM, BPF labels and whatever else a kernel may add.
 */
import type { ByteString } from "../base/byte-string.ts";

const KEPT = new Set(["security.capability", "security.selinux", "system.posix_acl_access", "system.posix_acl_default"]);
/** Written by the repository itself. */
const OWN = new Set(["user.ostreemeta"]);

export function isHashedXattr(name: ByteString): boolean {
  if (OWN.has(name)) return false;
  return KEPT.has(name) || name.startsWith("user.") || name.startsWith("trusted.");
}
