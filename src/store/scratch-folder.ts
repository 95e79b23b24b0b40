/**
 * A folder for what is on its way into the repository and must not outlive this process: like a transaction's staging folder it
 * has a lock beside it, so that whoever comes later removes it where its owner has died.
 */
import { removeTreeAt, tryUnlinkAt } from "../sys/names.ts";
import { closeFd } from "../sys/open.ts";
import type { Repository } from "./repository.ts";
import { makeStagingFolder } from "./transaction.ts";

export interface ScratchFolder {
  readonly fd: number;
  remove(): void;
}

/** Throws `locked`, SystemError. */
export function makeScratchFolder(repository: Repository): ScratchFolder {
  const { name, stagingFd, stagingLock } = makeStagingFolder(repository);
  const remove = (): void => {
    closeFd(stagingFd);
    try {
      removeTreeAt(repository.fd, `tmp/${name}`);
      tryUnlinkAt(repository.fd, `tmp/${name}.lock`);
    } finally {
      stagingLock.release();
    }
  };
  return { fd: stagingFd, remove };
}
