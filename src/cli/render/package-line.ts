/** One difference between the packages of two systems. */
import type { InstalledPackage, PackageManager } from "../../codec/packages/manifest.ts";
import type { PackageChange } from "../../codec/packages/package-changes.ts";
import { safeText } from "./safe-text.ts";

/** `upgraded    openssl 3.0.14 → 3.0.15` */
export function packageLine({ kind, name, before, after }: PackageChange): string {
  const moved = before !== undefined && after !== undefined && before.architecture !== after.architecture;
  const shown = (one: InstalledPackage | undefined): string[] =>
    one === undefined ? [] : [moved ? `${one.version} ${one.architecture}` : one.version];
  return safeText(`${kind.padEnd(10)}  ${name} ${[...shown(before), ...shown(after)].join(" → ")}`);
}

/** `kind` is always `package`, so that it is told from changes of files. */
export function packageJson({ kind, name, before, after }: PackageChange, manager: PackageManager): Record<string, unknown> {
  return {
    kind: "package",
    change: kind,
    manager,
    name,
    before: before?.version,
    after: after?.version,
    architectureBefore: before?.architecture,
    architectureAfter: after?.architecture,
  };
}
