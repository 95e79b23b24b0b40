/** An archive that is named on the command line; `-` is stdin. */
import { isatty } from "node:tty";
import { RegrowError } from "../base/errors.ts";
import type { CommitSource } from "../store/commit.ts";

const STDIN = 0;

/** Throws `usage` where stdin is a terminal. */
export function tarSource(name: string): CommitSource & { kind: "tar" } {
  if (name !== "-") return { kind: "tar", path: name };
  if (!isatty(STDIN)) return { kind: "tar", path: STDIN };
  throw new RegrowError("usage", "An archive does not come from a terminal.", { hint: "Name a file, or use a pipe." });
}
