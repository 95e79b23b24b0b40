/** What a failure of one file's checkout is called to a person: by its path in the tree, or by its object. */
import { type ByteString, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { RegrowError, SystemError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { damagedObject } from "../object-files.ts";
import type { CheckoutSettings } from "./checkout-state.ts";

export interface FailedFile {
  /** Of its folder. */
  readonly folder: ByteString;
  readonly name: ByteString;
  readonly checksum: Checksum;
}

export function locateFailure({ repository }: CheckoutSettings, { folder, name, checksum }: FailedFile, error: unknown): unknown {
  if (!(error instanceof RegrowError)) return error;
  if (error.code === "corrupt" && error.path === undefined) {
    const reason = error.message.replace(/\.$/, "").replace(/^[A-Z]/, (letter) => letter.toLowerCase());
    return damagedObject(repository, "file", checksum, reason, error);
  }
  if (!(error instanceof SystemError) || error.path?.includes("/") === true) return error;
  const path = displayBytes(joinBytes(folder, name));
  if (error.errno !== "EISDIR") return new SystemError(error.call, error.errno, path);
  return new RegrowError("exists", `${path}: is a folder, where the commit has a file.`, {
    path,
    cause: error,
    hint: "Remove it, or check out into another folder.",
  });
}
