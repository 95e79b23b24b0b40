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
  /** Whether the root subvolume itself has a kernel. */
  readonly hasKernels: boolean;
  /** Whether there is a boot loader's configuration on an ESP or /boot of its own, as far as they are mounted. */
  readonly bootIsMounted: boolean;
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
  const boot = facts.fstab.find((line) => typeof line !== "string" && line.target === "/boot");
  if (boot !== undefined || facts.bootIsMounted) return { bootClass: "b" };
  if (facts.defaultId === facts.rootId && facts.defaultId !== TOP_LEVEL) return { bootClass: "c" };
  return { bootClass: "a" };
}
