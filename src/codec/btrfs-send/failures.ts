/** What is said of streams that are not obeyed. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";

const CUT = "It was cut short or changed on its way: send it again.";
const OLDER = "Send it again without the newer features (btrfs send --proto 1).";

export function corruptStream(reason: string, hint = CUT): RegrowError {
  return new RegrowError("corrupt", `Damaged btrfs stream: ${reason}.`, { hint });
}

export function hostileStream(reason: string): RegrowError {
  return new RegrowError("hostile", `Refused btrfs stream: ${reason}.`, {
    hint: "It was not made by an honest tool: do not use it.",
  });
}

export function unsupportedStream(reason: string, hint = OLDER): RegrowError {
  return new RegrowError("unsupported", `Unsupported btrfs stream: ${reason}.`, { hint });
}

export function shown(path: ByteString): string {
  return path === "" ? "the subvolume's root" : `"${displayBytes(path)}"`;
}
