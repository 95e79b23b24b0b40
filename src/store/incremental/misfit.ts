/** Changes that do not fit to the commit that they are said to be against, or a commit that is not all there. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError, isErrno } from "../../base/errors.ts";

export function misfit(path: ByteString, reason: string): RegrowError {
  const shown = displayBytes(path);
  return new RegrowError("corrupt", `${shown}: ${reason}: the changes do not fit to the commit that they are against.`, {
    path: shown,
    hint: "Read the whole tree again.",
  });
}

/** Whether a scan of the whole folder may still succeed: what is damaged is the commit, or what is known of the changes. */
export function isMisfit(error: unknown): error is RegrowError {
  if (!(error instanceof RegrowError)) return false;
  return ["not-found", "corrupt", "hostile"].includes(error.code) || isErrno(error, "ENOTDIR", "ENAMETOOLONG");
}
