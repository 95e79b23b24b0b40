/** The inode flags (chattr) that a person sets and that a copy should have; the rest is the file system's own business. */
import { FLAG } from "../../sys/metadata.ts";

const KEPT =
  FLAG.secureDelete |
  FLAG.undelete |
  FLAG.compress |
  FLAG.sync |
  FLAG.immutable |
  FLAG.append |
  FLAG.noDump |
  FLAG.noAtime |
  FLAG.noCompress |
  FLAG.journalData |
  FLAG.noTail |
  FLAG.dirSync |
  FLAG.topDir |
  FLAG.noCow |
  FLAG.projectInherit;

export function userFlags(flags: number): number {
  return (flags & KEPT) >>> 0;
}
