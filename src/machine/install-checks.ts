/** The checks of an install: each looks at the facts and the plan and says what it found, in words that name the cure. Pure. */
import type { ErrorCode, RegrowError } from "../base/errors.ts";
import { formatSize } from "../base/units.ts";
import { bytesOfFile } from "../boot/boot-loader.ts";
import { driverOf } from "../disk/file-systems.ts";
import { smallestDisk } from "../disk/plan-disk.ts";
import { type DiskPlan, partitionOf } from "../disk/plan-disk.ts";
import { missingProgram } from "../sys/program-packages.ts";
import type { Check } from "./check.ts";
import type { InstallFacts, InstallRequest, InstallWork } from "./install-plan.ts";

/** `disk` is the error where the layout doesn't fit; `work` is undefined where something to boot is missing. */
export function checkInstall(
  request: InstallRequest,
  facts: InstallFacts,
  disk: DiskPlan | RegrowError,
  work: InstallWork | undefined,
): Check[] {
  return [
    checkPrivilege(facts),
    checkLoopDevices(facts),
    checkPrograms(facts),
    checkKernel(facts),
    checkLoader(request, facts),
    checkTarget(request, facts),
    ...("partitions" in disk
      ? checkSpace(request, facts, disk, work)
      : [failed("disk-size", disk.code, disk.message, disk.hint ?? "")]),
  ];
}

function checkPrivilege(facts: InstallFacts): Check {
  if (facts.isRoot) return passed("privilege", "root");
  return failed(
    "privilege",
    "missing-privilege",
    "Only root can mount the new file systems and give files their owners.",
    "Run it as root.",
  );
}

function checkLoopDevices(facts: InstallFacts): Check {
  if (facts.hasLoopDevices) return passed("loop-devices", "/dev/loop-control");
  const hint = "Load the module (modprobe loop), or give the container the host's loop devices.";
  return failed("loop-devices", "unsupported", "/dev/loop-control: this machine has no loop devices.", hint);
}

function checkPrograms(facts: InstallFacts): Check {
  const [first] = facts.missingPrograms;
  if (first === undefined) return passed("programs", "all are installed");
  const error = missingProgram(first);
  const others = facts.missingPrograms.slice(1);
  const message = others.length === 0 ? error.message : `${error.message} Missing too: ${others.join(", ")}.`;
  return failed("programs", error.code, message, error.hint ?? "");
}

function checkKernel({ kernel, kernelFile, initrdFile, tree }: InstallFacts): Check {
  if (kernel === undefined || kernelFile === undefined) {
    const hint = "Install a kernel into it, or install a tree that has one.";
    return failed("kernel", "not-found", `${tree.name}: the tree has no kernel in /boot or /usr/lib/modules.`, hint);
  }
  if (!kernel.hasModules) {
    const message = `${kernel.imagePath}: the tree has no modules in /usr/lib/modules/${kernel.release} for this kernel.`;
    return failed(
      "kernel",
      "not-found",
      message,
      "Install the kernel's package anew in that tree: kernel and modules travel together.",
    );
  }
  if (initrdFile === undefined) {
    const message = `${kernel.imagePath}: the tree has no initramfs for this kernel.`;
    return failed("kernel", "not-found", message, "Make it in that tree: on Debian, update-initramfs -c -k all.");
  }
  return passed("kernel", `${kernel.release} with initramfs and modules`);
}

function checkLoader(request: InstallRequest, facts: InstallFacts): Check {
  const { name, debianPackage } = request.loader;
  if (facts.loaderProgram !== undefined) return passed("boot-loader", `${name} of the ${facts.loaderProgram.origin}`);
  const message = `${name}: neither the tree nor this machine has its program.`;
  return failed(
    "boot-loader",
    "missing-program",
    message,
    `Install the package that has it: on Debian, apt install ${debianPackage}.`,
  );
}

function checkTarget(request: InstallRequest, facts: InstallFacts): Check {
  const { path } = request.target;
  const { state, folderExists } = facts.target;
  if (!folderExists) return failed("target", "not-found", `${path}: its folder does not exist.`, "Make the folder first.");
  if (state === "not-a-file")
    return failed("target", "refused", `${path}: is no regular file.`, "Choose another name for the image.");
  if (state === "in-use") {
    return failed("target", "refused", `${path}: is in use by a loop device.`, "Unmount it and detach the device: losetup -d.");
  }
  if (state === "not-blank" && !request.wipe) {
    return failed("target", "refused", `${path}: is not blank.`, "Choose another name, or permit overwriting it with --wipe.");
  }
  return passed("target", state === "not-blank" ? "will be overwritten" : state);
}

function checkSpace(request: InstallRequest, facts: InstallFacts, disk: DiskPlan, work: InstallWork | undefined): Check[] {
  const root = partitionOf(disk, "root").fileSystem;
  const esp = partitionOf(disk, "esp").fileSystem;
  const files = work?.bootFiles ?? [];
  const bootBytes = files.reduce((sum, file) => sum + bytesOfFile(file), 0);
  const treeBytes = driverOf(root.type).spaceFor(facts.tree.bytes, facts.tree.entries);
  const needed = treeBytes + bootBytes;
  const larger = Math.ceil((smallestDisk(request.layout) + treeBytes) / 2 ** 20);
  return [
    room("root-space", root.bytes, treeBytes, "the root partition", `Choose an image size of at least ${larger}M.`),
    room(
      "boot-space",
      esp.bytes,
      driverOf(esp.type).spaceFor(bootBytes, files.length),
      "the boot partition",
      "Choose a layout with a larger one.",
    ),
    room(
      "host-space",
      facts.target.available,
      needed,
      `the file system of ${request.target.path}`,
      "Free some space there, or choose another place.",
    ),
  ];
}

function room(name: string, available: number, needed: number, where: string, hint: string): Check {
  const finding = `${formatSize(needed)} needed, ${formatSize(available)} there`;
  if (needed <= available) return passed(name, finding);
  return failed(name, "no-space", `Not enough room on ${where}: ${finding}.`, hint);
}

function passed(name: string, finding: string): Check {
  return { name, finding };
}

function failed(name: string, code: ErrorCode, message: string, hint: string): Check {
  return { name, finding: message, problem: { code, message, hint } };
}
