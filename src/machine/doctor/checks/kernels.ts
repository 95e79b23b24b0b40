/** Kernels, their modules and their initramfs travel together. */
import type { DoctorFacts, KernelFacts } from "../facts.ts";
import { type Said, orOk, problem, warning } from "../finding.ts";
import { ofSeen, valueOf } from "../looked.ts";
import { awayOf, notMounted } from "./away.ts";

export function checkKernels(facts: DoctorFacts): readonly Said[] {
  if (awayOf(facts, ["/boot"]).length > 0) return [notMounted("/boot", "the kernels")];
  return ofSeen(facts.kernels, (kernels) => {
    const releases = [...new Set(kernels.kernels.map(({ release }) => release))];
    return orOk(
      [
        ...noneFindings(facts, kernels),
        ...kernelFindings(facts, kernels),
        ...moduleFindings(kernels),
        ...runningFindings(kernels),
      ],
      `${releases.join(", ") || "Kernels on the boot partition"}: with modules and initramfs.`,
    );
  });
}

function noneFindings(facts: DoctorFacts, { kernels }: KernelFacts): Said[] {
  const isElsewhere = valueOf(facts.entries)?.some(({ entries, images }) => entries.length + images.length > 0) ?? false;
  if (kernels.length > 0 || isElsewhere) return [];
  const cure =
    "Install one: on Debian `apt install linux-image-amd64`, on Fedora `dnf install kernel`, on Arch `pacman -S linux`.";
  return [problem("/boot and /usr/lib/modules: there is no kernel, so the machine can't start by itself.", cure)];
}

function kernelFindings(facts: DoctorFacts, { kernels }: KernelFacts): Said[] {
  return kernels.flatMap(({ imagePath, release, hasModules }) => {
    // It has all its modules in its initramfs, and outlives the kernel that it was made of.
    if (imagePath.includes("rescue")) return [];
    const found: Said[] = [];
    if (!hasModules) {
      found.push(
        problem(
          `/${imagePath}: /usr/lib/modules/${release} has no modules for this kernel.`,
          "Reinstall the kernel's package, or remove the image: a kernel and its modules travel together.",
        ),
      );
    }
    if (!hasInitramfs(facts, kernels, release)) {
      found.push(
        problem(
          `/${imagePath}: there is no initramfs for this kernel.`,
          `Make it: on Debian \`update-initramfs -c -k ${release}\`, on Fedora \`dracut --kver ${release}\`, on Arch \`mkinitcpio -P\`.`,
        ),
      );
    }
    return found;
  });
}

/** A distribution may keep the same kernel in two places, and the initramfs beside one of them, on the boot partition, or in a unified image. */
function hasInitramfs(facts: DoctorFacts, kernels: KernelFacts["kernels"], release: string): boolean {
  if (kernels.some((kernel) => kernel.release === release && kernel.initrdPath !== undefined)) return true;
  const folders = valueOf(facts.entries) ?? [];
  return folders.some(
    ({ entries, images }) =>
      images.length > 0 ||
      entries.some(
        ({ entry }) => "linux" in entry && entry.initrds.length > 0 && `${entry.version} ${entry.linux}`.includes(release),
      ),
  );
}

function moduleFindings({ kernels, modules }: KernelFacts): Said[] {
  // Where no kernel is at all, that has been said.
  if (kernels.length === 0) return [];
  return modules
    .filter((release) => !kernels.some((kernel) => kernel.release === release))
    .map((release) =>
      warning(
        `/usr/lib/modules/${release}: there is no kernel for these modules.`,
        "Reinstall the kernel's package, or remove the folder with it.",
      ),
    );
}

function runningFindings({ running, modules }: KernelFacts): Said[] {
  if (running === undefined || modules.length === 0 || modules.includes(running)) return [];
  return [
    problem(
      `/usr/lib/modules/${running}: the modules of the running kernel are gone, so it can load no more of them.`,
      "Reboot: the kernel that was installed since is waiting.",
    ),
  ];
}
