/** A copy of the program beside the history, for what starts it by itself: a rollback of the root can't take that one away. */
import { bytesOf } from "../../base/byte-string.ts";
import { singleFilePath } from "../../sys/assets.ts";
import { copyBetween } from "../../sys/copy-between.ts";
import { fsyncDirAt, fsyncFd } from "../../sys/durable.ts";
import { chmodFd, setTimeFd } from "../../sys/metadata.ts";
import { renameAt, tryUnlinkAt } from "../../sys/names.ts";
import { CWD, O, closeFd, openAt } from "../../sys/open.ts";
import { statFd, tryStatAt } from "../../sys/stat.ts";
import { cloneFile, truncateFd } from "../../sys/write-file.ts";

const PLACE = "bin/regrow";
const NEW = "bin/.regrow.new";

/** Whether there is something to copy, and it is not there yet. False where regrow runs from many files. */
export function lacksProgram(homeFd: number | undefined): boolean {
  const path = singleFilePath();
  if (path === undefined) return false;
  const [own, kept] = [tryStatAt(CWD, path), homeFd === undefined ? undefined : tryStatAt(homeFd, PLACE)];
  return own?.size !== kept?.size || own?.mtimeSeconds !== kept?.mtimeSeconds || own?.mtimeNanoseconds !== kept?.mtimeNanoseconds;
}

/** Durably, and as a whole; blocks are shared where that can be. Throws SystemError (ENOSPC …). */
export function keepProgram(homeFd: number): void {
  const path = singleFilePath();
  if (path === undefined) return;
  const from = openAt(CWD, bytesOf(path), O.RDONLY);
  try {
    // A run that was killed may have left one.
    tryUnlinkAt(homeFd, bytesOf(NEW));
    const to = openAt(homeFd, NEW, O.RDWR | O.CREAT | O.EXCL, 0o700);
    try {
      const { size, mtimeSeconds: seconds, mtimeNanoseconds: nanoseconds } = statFd(from);
      if (cloneFile(to, from) !== "cloned") {
        copyBetween(from, to, { from: 0, to: 0, length: size });
        truncateFd(to, size);
      }
      chmodFd(to, 0o755);
      setTimeFd(to, { seconds, nanoseconds });
      fsyncFd(to);
    } finally {
      closeFd(to);
    }
    renameAt(homeFd, bytesOf(NEW), homeFd, bytesOf(PLACE));
    fsyncDirAt(homeFd, "bin");
  } finally {
    closeFd(from);
  }
}
