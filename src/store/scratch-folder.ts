/**
 * A folder for what is on its way into the repository and must not outlive this process: like a transaction's staging folder it
 * has a lock beside it, so that whoever comes later removes it where its owner has died.
 */
import { bytesOf } from "../base/byte-string.ts";
import { takeLock } from "../sys/lock.ts";
import { makeDirAt, removeTreeAt, tryUnlinkAt } from "../sys/names.ts";
import { O, closeFd, openAt } from "../sys/open.ts";
import type { Repository } from "./repository.ts";
import { stagingName } from "./transaction.ts";

export interface ScratchFolder {
  readonly fd: number;
  remove(): void;
}

export async function makeScratchFolder({ fd: repositoryFd }: Repository): Promise<ScratchFolder> {
  const name = stagingName();
  const lock = await takeLock(repositoryFd, `tmp/${name}.lock`, { kind: "exclusive", timeoutSeconds: 0 });
  makeDirAt(repositoryFd, `tmp/${name}`, 0o700);
  const fd = openAt(repositoryFd, bytesOf(`tmp/${name}`), O.RDONLY | O.DIRECTORY);
  const remove = (): void => {
    closeFd(fd);
    removeTreeAt(repositoryFd, `tmp/${name}`);
    tryUnlinkAt(repositoryFd, `tmp/${name}.lock`);
    lock.release();
  };
  return { fd, remove };
}
