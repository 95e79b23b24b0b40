/** The few things that an installed tree must have otherwise than its source. Never follows a symbolic link of the tree. */
import { bytesOf } from "../base/byte-string.ts";
import { replaceFileAt } from "../sys/durable.ts";
import { tryMakeDirAt } from "../sys/names.ts";
import { O, closeFd, openBeneath } from "../sys/open.ts";
import type { InstallWork } from "./install-plan.ts";

/** Throws `hostile` where one of the places is reached through a symbolic link, SystemError. */
export function editTree(rootFd: number, edits: InstallWork["edits"]): void {
  for (const folder of edits.folders) makeFolders(rootFd, folder);
  makeFolders(rootFd, "etc");
  const etcFd = openBeneath(rootFd, bytesOf("etc"), O.RDONLY | O.DIRECTORY);
  try {
    replaceFileAt(etcFd, ".", "fstab", Buffer.from(edits.fstab), { durable: false });
    // Empty, not missing: then a file that must be written at boot can be, even where the root is read-only at first.
    if (edits.newMachineId) replaceFileAt(etcFd, ".", "machine-id", Buffer.alloc(0), { mode: 0o444, durable: false });
  } finally {
    closeFd(etcFd);
  }
}

function makeFolders(rootFd: number, path: string): void {
  const pieces = path.split("/");
  for (let depth = 1; depth <= pieces.length; depth++) {
    const parentFd = openBeneath(rootFd, bytesOf(pieces.slice(0, depth - 1).join("/")), O.RDONLY | O.DIRECTORY);
    try {
      tryMakeDirAt(parentFd, bytesOf(pieces[depth - 1]!), 0o755);
    } finally {
      closeFd(parentFd);
    }
  }
}
