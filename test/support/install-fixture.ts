/** An image as the install tests want it: planned from a folder, small, talking on the serial console. */
import { SYSTEMD_BOOT } from "../../src/boot/systemd-boot.ts";
import { newIdentities } from "../../src/disk/identities.ts";
import { SIMPLE } from "../../src/disk/layout.ts";
import { gatherInstallFacts } from "../../src/machine/install-facts.ts";
import type { InstallPlan, InstallRequest } from "../../src/machine/install-plan.ts";
import { planInstall } from "../../src/machine/plan-install.ts";
import type { TreeSource } from "../../src/machine/tree-source.ts";

export function imageRequest(path: string, changes: Partial<InstallRequest> = {}): InstallRequest {
  return {
    target: { kind: "image", path, size: 2 * 2 ** 30 },
    layout: SIMPLE,
    loader: SYSTEMD_BOOT,
    wipe: false,
    newMachineId: true,
    kernelParameters: ["console=ttyS0"],
    entryId: "regrow-test",
    menuSeconds: 0,
    ...changes,
  };
}

export async function planImage(request: InstallRequest, source: TreeSource): Promise<InstallPlan> {
  return planInstall(request, await gatherInstallFacts(request, source, {}), newIdentities(request.layout));
}
