/**
 * Which packages a system has, as its package database says. It is no part of a commit's metadata: the database is in the tree, so the
 * list can be had of every commit, also of those that something else made, and costs nothing until somebody asks.
 */

export const MANAGERS = ["dpkg", "rpm", "pacman"] as const;

export type PackageManager = (typeof MANAGERS)[number];

export interface InstalledPackage {
  readonly name: string;
  /** As the manager writes it, with epoch and revision where there are any. */
  readonly version: string;
  /** "" where the manager keeps none. */
  readonly architecture: string;
}

export interface PackageManifest {
  readonly manager: PackageManager;
  /** Sorted by name, then architecture, then version, as texts. */
  readonly packages: readonly InstalledPackage[];
}

export function newManifest(manager: PackageManager, packages: readonly InstalledPackage[]): PackageManifest {
  return { manager, packages: packages.toSorted(byName) };
}

function byName(a: InstalledPackage, b: InstalledPackage): number {
  return compare(a.name, b.name) || compare(a.architecture, b.architecture) || compare(a.version, b.version);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
