/** Whether a commit's tree is what a scan with these options gives of its folder, whole, so that another can be built upon it. */
import type { Checksum } from "../../codec/ostree/checksum.ts";
import type { Commit } from "../../codec/ostree/commit.ts";
import { lookUp } from "../../codec/gvariant/value.ts";
import { loadCommit } from "../object-files.ts";
import { hasWholeCommit } from "../partial-commits.ts";
import type { Repository } from "../repository.ts";
import { type ScanOptions, scanFingerprint } from "../scan/scan-options.ts";
import { rootSidecar } from "../tree/folder-view.ts";
import { isMisfit } from "./misfit.ts";

/** The key of a commit's metadata that tells how its folder was read (`s`: scanFingerprint). */
export const SCAN_KEY = "regrow.scan";

/** Why nothing can be built upon the commit, as a sentence goes on; undefined where all is well. */
export function baseObstacle(repository: Repository, base: Checksum, options: ScanOptions): string | undefined {
  if (!hasWholeCommit(repository, base)) return "the commit before is not all there";
  try {
    return obstacleOf(repository, loadCommit(repository, base), options);
  } catch (error) {
    if (!isMisfit(error)) throw error;
    return error.message;
  }
}

function obstacleOf(repository: Repository, commit: Commit, options: ScanOptions): string | undefined {
  if (rootSidecar(repository, commit) === undefined) return "the commit before has no sidecar";
  const fingerprint = lookUp(commit.metadata, SCAN_KEY, "s");
  if (fingerprint === undefined) return "the commit before does not say how its files were read";
  return fingerprint === scanFingerprint(options) ? undefined : "the files of the commit before were read with other options";
}
