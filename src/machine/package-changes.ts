/** The packages of a system by the database in its tree: of a commit, or of a folder; and what differs between two. */
import { type ByteString, bytesOf } from "../base/byte-string.ts";
import { parseDpkgStatus } from "../codec/packages/dpkg-status.ts";
import { type PackageManifest, newManifest } from "../codec/packages/manifest.ts";
import { type PackageChange, packageChanges } from "../codec/packages/package-changes.ts";
import { parsePacmanDesc } from "../codec/packages/pacman-desc.ts";
import { parseRpmHeader } from "../codec/packages/rpm-header.ts";
import type { Change } from "../store/diff/change.ts";
import { type TreeRef, type TreeView, withTreeView } from "../store/diff/tree-view.ts";
import { S_IFREG, typeOf } from "../sys/stat.ts";
import { readBlobs } from "../sys/sqlite.ts";

const DPKG = bytesOf("var/lib/dpkg/status");
const PACMAN = bytesOf("var/lib/pacman/local");
/** Where distributions have it; one may be a link to the other. */
const RPM = ["usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"].map(bytesOf);

export interface PackageDiff {
  readonly before: PackageManifest;
  readonly after: PackageManifest;
  readonly changes: readonly PackageChange[];
}

/** Undefined where one of the trees has no package database. Throws `corrupt`, `not-found`, SystemError. */
export async function diffPackages(a: TreeRef, b: TreeRef): Promise<PackageDiff | undefined> {
  const before = await readPackages(a);
  const after = before === undefined ? undefined : await readPackages(b);
  if (before === undefined || after === undefined) return undefined;
  return { before, after, changes: packageChanges(before, after) };
}

/** Whether the packages can have changed, where these are all changes of the tree. */
export function touchesPackages(changes: readonly Change[]): boolean {
  const places = [DPKG, PACMAN, ...RPM];
  const touches = (path: ByteString): boolean =>
    places.some((place) => path.startsWith(place) || place.startsWith(`${path}/`) || path === "");
  return changes.some(({ path, from }) => touches(path) || (from !== undefined && touches(from)));
}

/** Undefined where the tree has no package database that is known. Throws `corrupt`, `not-found`, SystemError. */
export async function readPackages(ref: TreeRef): Promise<PackageManifest | undefined> {
  return withTreeView(ref, async (view) => readDpkg(view) ?? (await readRpm(view)) ?? readPacman(view));
}

function readDpkg(view: TreeView): PackageManifest | undefined {
  const status = readFile(view, DPKG);
  return status === undefined ? undefined : newManifest("dpkg", parseDpkgStatus(status.toString("utf8")));
}

async function readRpm(view: TreeView): Promise<PackageManifest | undefined> {
  for (const path of RPM) {
    const database = readFile(view, path);
    if (database === undefined) continue;
    const log = readFile(view, `${path}-wal` as ByteString);
    const blobs = await readBlobs({ database, log }, "SELECT blob FROM Packages");
    return newManifest("rpm", blobs.map(parseRpmHeader));
  }
  return undefined;
}

function readPacman(view: TreeView): PackageManifest | undefined {
  const descriptions = view.list(PACMAN).flatMap((name) => readFile(view, `${PACMAN}/${name}/desc` as ByteString) ?? []);
  if (descriptions.length === 0) return undefined;
  return newManifest(
    "pacman",
    descriptions.map((description) => parsePacmanDesc(description.toString("utf8"))),
  );
}

function readFile(view: TreeView, path: ByteString): Buffer | undefined {
  const entry = view.find(path);
  return entry === undefined || typeOf(entry.mode) !== S_IFREG ? undefined : entry.read();
}
