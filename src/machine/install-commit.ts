/** Installing a commit: the plan for it, and the act. */
import { newIdentities } from "../disk/identities.ts";
import type { Observer } from "../base/events.ts";
import type { Checksum } from "../codec/ostree/checksum.ts";
import { SYSTEMD_BOOT } from "../boot/systemd-boot.ts";
import { RegrowError } from "../base/errors.ts";
import { LAYOUTS } from "../disk/layout.ts";
import type { Repository } from "../store/repository.ts";
import { commitSource } from "./commit-source.ts";
import { installImage } from "./install.ts";
import { gatherInstallFacts } from "./install-facts.ts";
import type { InstallPlan, InstallRequest } from "./install-plan.ts";
import { planInstall } from "./plan-install.ts";

export interface InstallWish {
  readonly image: string;
  /** Bytes. */
  readonly size: number;
  readonly layout: string;
  readonly loader: string;
  /** Permits overwriting an image that is not blank. */
  readonly wipe: boolean;
  /** The installed system makes itself a new machine id. */
  readonly newIdentity: boolean;
  readonly kernelParameters: readonly string[];
}

export interface PlannedInstall {
  readonly plan: InstallPlan;
  /** Throws the problem of a failed check before anything is written. */
  act(observer: Observer): Promise<void>;
}

const LOADERS = new Map([[SYSTEMD_BOOT.name, SYSTEMD_BOOT]]);

/** Throws `usage` for a layout or boot loader that regrow doesn't know, `not-found`, `corrupt`. */
export async function planCommitInstall(
  repository: Repository,
  commit: Checksum,
  wish: InstallWish,
  observer: Observer,
): Promise<PlannedInstall> {
  const source = commitSource(repository, commit);
  const request: InstallRequest = {
    target: { kind: "image", path: wish.image, size: wish.size },
    layout: known("layout", LAYOUTS, wish.layout),
    loader: known("boot loader", LOADERS, wish.loader),
    wipe: wish.wipe,
    newMachineId: wish.newIdentity,
    kernelParameters: wish.kernelParameters,
    entryId: `regrow-${commit.slice(0, 12)}`,
    menuSeconds: 3,
  };
  const facts = await gatherInstallFacts(request, source, observer);
  const plan = planInstall(request, facts, newIdentities(request.layout));
  return { plan, act: (acting) => installImage(plan, source, acting) };
}

function known<T>(what: string, choices: ReadonlyMap<string, T>, name: string): T {
  const choice = choices.get(name);
  if (choice !== undefined) return choice;
  throw new RegrowError("usage", `${name}: not a ${what}.`, { hint: `There is ${[...choices.keys()].join(", ")}.` });
}
