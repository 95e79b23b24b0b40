/** What is said of streams that are not obeyed. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";

const CUT = "It was cut short or changed on its way: send it again.";

export function corruptStream(reason: string): RegrowError {
  return new RegrowError("corrupt", `Damaged btrfs stream: ${reason}.`, { hint: CUT });
}

export function hostileStream(reason: string): RegrowError {
  return new RegrowError("hostile", `Refused btrfs stream: ${reason}.`, {
    hint: "It was not made by an honest tool: do not use it.",
  });
}

export function unsupportedStream(reason: string): RegrowError {
  return new RegrowError("unsupported", `Unsupported btrfs stream: ${reason}.`, {
    hint: "Send it again without the newer features (btrfs send --proto 1).",
  });
}

export function shown(path: ByteString): string {
  return path === "" ? "the subvolume's root" : `"${displayBytes(path)}"`;
}
