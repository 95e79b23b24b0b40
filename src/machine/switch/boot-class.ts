/** How a machine's boot finds its root, which decides by what a switch is done at once. Pure. */
import { type FstabLine } from "../../codec/fstab.ts";

/**
 * `a`: /boot is in the root subvolume, and the exchange of two names takes the kernel along. `b`: kernels are on another file system.
 * `c`: the default subvolume of the file system is the root.
 */
export type BootClass = "a" | "b" | "c";

export interface BootFacts {
  /** From the top level; "" is the top level itself. */
  readonly rootPath: string;
  readonly rootId: bigint;
  readonly defaultId: bigint;
  readonly fstab: readonly FstabLine[];
  /** Whether a boot loader has its kernels on a volume of its own, as far as such volumes are mounted. */
  readonly hasBootVolume: boolean;
}

export type BootVerdict = { readonly bootClass: BootClass } | { readonly refusal: string; readonly hint: string };

const TOP_LEVEL = 5n;

export function bootClassOf(facts: BootFacts): BootVerdict {
  if (facts.rootPath === "") {
    return {
      refusal: "The root is the top level of its file system, which can't be exchanged.",
      hint: "Move it into a subvolume, and name that in fstab and in the boot loader: `regrow setup -n` tells the steps.",
    };
  }
  if (facts.hasBootVolume) return { bootClass: "b" };
  if (facts.fstab.some((line) => typeof line !== "string" && line.target === "/boot")) {
    return {
      refusal: "/boot is a file system of its own by /etc/fstab, and no boot loader that regrow knows is found there.",
      hint: "Mount it (and the ESP) where /etc/fstab says, and begin again. GRUB and systemd-boot are known.",
    };
  }
  if (facts.defaultId === facts.rootId && facts.defaultId !== TOP_LEVEL) return { bootClass: "c" };
  return { bootClass: "a" };
}
