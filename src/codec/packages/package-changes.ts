/** What is different between the packages of two systems. */
import { compareDpkgVersions } from "./compare-dpkg.ts";
import { comparePacmanVersions } from "./compare-pacman.ts";
import { compareRpmVersions } from "./compare-rpm.ts";
import type { InstalledPackage, PackageManager, PackageManifest } from "./manifest.ts";

/** `changed`: another text for what the manager holds for the same version, or another architecture. */
export type PackageChangeKind = "added" | "removed" | "upgraded" | "downgraded" | "changed";

export interface PackageChange {
  readonly kind: PackageChangeKind;
  readonly name: string;
  /** Undefined where it was added. */
  readonly before: InstalledPackage | undefined;
  /** Undefined where it was removed. */
  readonly after: InstalledPackage | undefined;
}

const COMPARE: Record<PackageManager, (a: string, b: string) => number> = {
  dpkg: compareDpkgVersions,
  rpm: compareRpmVersions,
  pacman: comparePacmanVersions,
};

/** Below 0 where `a` is older in the eyes of that manager, above 0 where it is newer. */
export function compareVersions(manager: PackageManager, a: string, b: string): number {
  return COMPARE[manager](a, b);
}

/** Sorted by name. Of two managers, everything of the one is gone and everything of the other is new. */
export function packageChanges(before: PackageManifest, after: PackageManifest): PackageChange[] {
  if (before.manager !== after.manager) return [...before.packages.map(removed), ...after.packages.map(added)].sort(byName);
  const [left, right] = [groupsOf(before.packages), groupsOf(after.packages)];
  const names = [...new Set([...left.keys(), ...right.keys()])].sort();
  return names.flatMap((name) => changesOf(before.manager, left.get(name) ?? [], right.get(name) ?? []));
}

/** Of one name, of which there may be several: of several architectures, or kernels side by side. */
function changesOf(
  manager: PackageManager,
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
): PackageChange[] {
  const gone = before.filter((one) => !after.some((other) => isSame(one, other)));
  const come = after.filter((one) => !before.some((other) => isSame(one, other)));
  const changes: PackageChange[] = [];
  for (const one of gone) {
    const other = partnerOf(one, { before, after, come });
    if (other === undefined) changes.push(removed(one));
    else changes.push({ kind: kindOf(manager, one.version, other.version), name: one.name, before: one, after: other });
  }
  const paired = new Set(changes.map((change) => change.after));
  return [...changes, ...come.filter((one) => !paired.has(one)).map(added)];
}

interface Around {
  readonly before: readonly InstalledPackage[];
  readonly after: readonly InstalledPackage[];
  /** Those of `after` that are new. */
  readonly come: readonly InstalledPackage[];
}

/** What a package became: only where there is one before and one after, by name or by name and architecture. */
function partnerOf(one: InstalledPackage, { before, after, come }: Around): InstalledPackage | undefined {
  if (before.length === 1 && after.length === 1) return come[0];
  const alike = ({ architecture }: InstalledPackage): boolean => architecture === one.architecture;
  return before.filter(alike).length === 1 && after.filter(alike).length === 1 ? come.find(alike) : undefined;
}

function kindOf(manager: PackageManager, before: string, after: string): PackageChangeKind {
  const order = compareVersions(manager, before, after);
  return order < 0 ? "upgraded" : order > 0 ? "downgraded" : "changed";
}

function groupsOf(packages: readonly InstalledPackage[]): Map<string, InstalledPackage[]> {
  const groups = new Map<string, InstalledPackage[]>();
  for (const one of packages) {
    const group = groups.get(one.name);
    if (group === undefined) groups.set(one.name, [one]);
    else group.push(one);
  }
  return groups;
}

function isSame(a: InstalledPackage, b: InstalledPackage): boolean {
  return a.version === b.version && a.architecture === b.architecture;
}

function added(one: InstalledPackage): PackageChange {
  return { kind: "added", name: one.name, before: undefined, after: one };
}

function removed(one: InstalledPackage): PackageChange {
  return { kind: "removed", name: one.name, before: one, after: undefined };
}

function byName(a: PackageChange, b: PackageChange): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
