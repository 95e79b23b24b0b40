/** Signatures are over the bytes of a commit, so one that is rewritten loses them: that is more than who forgets a path asks for. */
import { RegrowError } from "../../base/errors.ts";
import type { Checksum } from "../../codec/ostree/checksum.ts";
import { looseName } from "../../codec/ostree/object-name.ts";
import { existsAt } from "../../sys/names.ts";
import type { Repository } from "../repository.ts";
import type { RewrittenCommit } from "./rewrite-commits.ts";

export interface Signed {
  /** Detached metadata of commits that are rewritten may be lost. */
  readonly dropSignatures?: boolean | undefined;
}

/** The old commits that have detached metadata. */
export function signedAmong(repository: Repository, rewritten: readonly RewrittenCommit[]): Checksum[] {
  return rewritten.map(({ from }) => from).filter((from) => existsAt(repository.objectsFd, looseName(from, "commitmeta")));
}

/** Throws `refused`. */
export function refuseSigned(repository: Repository, rewritten: readonly RewrittenCommit[], { dropSignatures }: Signed): void {
  if (dropSignatures === true) return;
  const [first, ...others] = signedAmong(repository, rewritten);
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new RegrowError("refused", `${first}${more}: has detached metadata (signatures), which a rewritten commit can't keep.`, {
    path: first,
    hint: "Give --drop-signatures to lose them, and sign the new commits.",
  });
}
