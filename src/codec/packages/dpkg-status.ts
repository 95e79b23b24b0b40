/**
 * dpkg's database, `var/lib/dpkg/status`: stanzas of `Field: value`, one for each package that it knows.
 * Source: Debian Policy, "Control files and their fields"; dpkg-query(1) for the states.
 */
import type { InstalledPackage } from "./manifest.ts";

/** The last word of `Status` where all files of a package are there and it has been configured. */
const INSTALLED = /^\S+ \S+ (?:installed|triggers-awaited|triggers-pending)$/;

/** The packages that are installed; those of which only the configuration is left are none. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  const packages: InstalledPackage[] = [];
  for (const stanza of text.split(/\n(?:[ \t]*\n)+/)) {
    const { package: name, version, architecture = "", status = "" } = fieldsOf(stanza);
    if (name !== undefined && version !== undefined && INSTALLED.test(status)) packages.push({ name, version, architecture });
  }
  return packages;
}

/** Those that are wanted here, all of which stand on one line. */
function fieldsOf(stanza: string): Partial<Record<"package" | "version" | "architecture" | "status", string>> {
  const fields: Record<string, string> = {};
  for (const [, key, value] of stanza.matchAll(/^(Package|Version|Architecture|Status):[ \t]*(.*)$/gim)) {
    fields[key!.toLowerCase()] ??= value!.trim();
  }
  return fields;
}
