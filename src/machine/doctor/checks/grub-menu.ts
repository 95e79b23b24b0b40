/** GRUB's menu: has every entry its kernel, its initramfs and its root, and does the default name one? */
import type { GrubConfig } from "../../../codec/grub/config.ts";
import type { DoctorFacts, GrubConfigFact, GrubFacts } from "../facts.ts";
import { type Said, counted, orOk, problem, skipped, warning } from "../finding.ts";
import { ofSeen, valueOf } from "../looked.ts";
import { awayOf, notMounted } from "./away.ts";
import { rootParameterFindings } from "./parameters.ts";

const REMAKE = "Make it anew: `update-grub`, or `grub-mkconfig -o /boot/grub/grub.cfg`.";

export function checkGrubMenu(facts: DoctorFacts): readonly Said[] {
  if (awayOf(facts, ["/boot"]).length > 0) return [notMounted("/boot", "GRUB's menu")];
  return ofSeen(facts.grub, (grub) => {
    if (grub.configs.length === 0) return [skipped("There is no /boot/grub/grub.cfg.")];
    const count = grub.configs.reduce((sum, { entries }) => sum + entries.length, 0);
    const found = grub.configs.flatMap((config) => entryFindings(facts, config));
    return orOk(
      [...found, ...defaultFindings(facts, grub)],
      `${grub.configs[0]!.path}: ${counted(count, "entry", "entries")}, each with what it names.`,
    );
  });
}

function entryFindings(facts: DoctorFacts, { path, config, entries }: GrubConfigFact): Said[] {
  if ("reason" in config) return [problem(`${path}: can't be read: ${config.reason}`, REMAKE)];
  const cure = path.endsWith("custom.cfg")
    ? "Mend or remove that entry; regrow writes its own anew with `regrow setup`."
    : REMAKE;
  const found: Said[] = [];
  // The same kernel stands in several entries.
  const told = new Set<string>();
  for (const { title, files, parameters } of entries) {
    const where = `${path}, "${title}"`;
    for (const file of files) {
      if (told.has(file.path) || (file.state !== "missing" && file.state !== "empty")) continue;
      told.add(file.path);
      const what = file.state === "missing" ? "does not exist" : "is empty";
      found.push(problem(`${where}: ${file.path} ${what}.`, cure));
    }
    for (const said of rootParameterFindings(facts, where, parameters, cure)) {
      const key = said.message.slice(where.length);
      if (!told.has(key)) found.push(said);
      told.add(key);
    }
  }
  return found;
}

/** GRUB starts its first entry where the default names none. */
function defaultFindings(facts: DoctorFacts, { configs, environments }: GrubFacts): Said[] {
  const parsed = configs.flatMap(({ config }) => ("reason" in config ? [] : [config]));
  if (parsed.length === 0) return [];
  const blsIds = parsed.some(({ usesBls }) => usesBls)
    ? (valueOf(facts.entries)?.flatMap(({ entries }) => entries.map(({ id }) => id)) ?? [])
    : [];
  const wanted: [where: string, value: string][] = parsed
    .flatMap(({ defaults }) => defaults)
    .filter((value) => value !== "" && !value.includes("$"))
    .map((value) => [`${configs[0]!.path}: the default`, value]);
  for (const { path, values } of environments) {
    if (!(values instanceof Map)) continue;
    for (const name of ["saved_entry", "next_entry"]) {
      const value = (values as ReadonlyMap<string, string>).get(name);
      if (value !== undefined && value !== "") wanted.push([`${path}: ${name}`, value]);
    }
  }
  return wanted
    .filter(([, value]) => !isEntry(parsed, blsIds, value))
    .map(([where, value]) =>
      warning(
        `${where} is "${value}", which is no entry: GRUB starts the first one.`,
        "Choose one that is there: `grub-set-default`.",
      ),
    );
}

// `1>2` and `submenu>entry` lead into submenus.
function isEntry(configs: readonly GrubConfig[], blsIds: readonly string[], value: string): boolean {
  const last = value.slice(value.lastIndexOf(">") + 1);
  const entries = configs.flatMap((config) => config.entries);
  if (/^\d+$/.test(last)) {
    const first = Number(value.split(">")[0]);
    const top = new Set(entries.map(({ id, submenus }) => submenus[0] ?? `entry ${id}`)).size + blsIds.length;
    return Number.isNaN(first) || first < top || configs.some(({ includes }) => includes.length > 0);
  }
  return (
    blsIds.some((id) => id === last || `${id}.conf` === last) ||
    entries.some(({ id, title, submenus }) => id === last || title === last || submenus.includes(last))
  );
}
