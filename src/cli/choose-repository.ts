/** Which repository a command means: --repo, REGROW_REPO, the current folder if it is one, the machine's. */
import process from "node:process";
import { RegrowError } from "../base/errors.ts";
import { looksLikeRepository } from "../store/looks-like-repository.ts";

export const OF_THE_MACHINE: readonly string[] = ["/.regrow/repo", "/var/lib/regrow/repo"];

/** Throws `no-repository`. Whether a place that was named is a repository shows when it is opened. */
export function chooseRepository(option: string | undefined): string {
  if (option !== undefined) return option;
  const fromEnvironment = process.env["REGROW_REPO"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return fromEnvironment;
  const found = [".", ...OF_THE_MACHINE].find((path) => looksLikeRepository(path));
  if (found !== undefined) return found;
  throw new RegrowError("no-repository", "No repository: this folder is none, and this machine has none.", {
    hint: "Name one with --repo or REGROW_REPO, or make one with `regrow init --repo DIR`.",
  });
}
