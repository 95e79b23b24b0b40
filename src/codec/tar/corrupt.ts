/** How this codec says that an archive is damaged: always the entry, where it is known, and the offset. */
import { type ByteString, displayBytes } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";

const LONGEST_SHOWN = 200;

/** Where in an archive: the byte at which the header stands, and the entry's name as far as it is known. */
export interface Place {
  readonly offset: number;
  readonly name?: ByteString;
}

export function corruptTar(place: Place, reason: string): RegrowError {
  return new RegrowError("corrupt", describe(place, reason), {
    path: place.name === undefined ? undefined : shown(place.name),
    hint: "The archive is damaged or cut short: fetch it or make it once more.",
  });
}

export function unsupportedTar(place: Place, reason: string): RegrowError {
  return new RegrowError("unsupported", describe(place, reason), {
    path: place.name === undefined ? undefined : shown(place.name),
    hint: "Make the archive with `tar --format=pax` or `--format=gnu`, in one volume.",
  });
}

/** A name for a message: cut where a hostile archive made it endless. */
export function shown(name: ByteString): string {
  const text = displayBytes(name.slice(0, LONGEST_SHOWN) as ByteString);
  return name.length > LONGEST_SHOWN ? `${text}…` : text;
}

function describe(place: Place, reason: string): string {
  const name = place.name === undefined ? "" : ` (${shown(place.name)})`;
  return `tar archive, byte ${place.offset}${name}: ${reason}.`;
}
