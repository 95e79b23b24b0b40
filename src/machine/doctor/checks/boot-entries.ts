/** Entries of the Boot Loader Specification: has each its files and its root, and does the default name one? */
import { RegrowError } from "../../../base/errors.ts";
import { splitCommandLine } from "../../../codec/kernel-command-line.ts";
import type { BootEntryFact, DoctorFacts, EntryFolderFact } from "../facts.ts";
import { type Said, counted, orOk, problem, skipped, warning } from "../finding.ts";
import { ofSeen, valueOf } from "../looked.ts";
import { ESP_PLACES, awayOf, notMounted } from "./away.ts";
import { rootParameterFindings } from "./parameters.ts";

const REMAKE = "Make it anew (`kernel-install add`, or reinstall the kernel's package), or remove it.";

export function checkBootEntries(facts: DoctorFacts): readonly Said[] {
  return ofSeen(facts.entries, (all) => {
    const away = awayOf(facts, ESP_PLACES);
    const folders = all.filter(({ partition }) => !away.includes(partition));
    if (away.length > 0 && folders.length === 0) return away.map((place) => notMounted(place, "boot entries"));
    if (folders.length === 0) return [skipped("There are no boot entries in loader/entries.")];
    const count = folders.reduce((sum, { entries, images }) => sum + entries.length + images.length, 0);
    return orOk(
      [
        ...folders.flatMap(({ entries }) => entries.flatMap((entry) => entryFindings(facts, entry))),
        ...folders.flatMap((folder) => defaultFindings(folder, folders)),
        ...firmwareFindings(facts, folders),
      ],
      `${folders.map(({ partition }) => `${partition}/loader`).join(", ")}: ${counted(count, "entry", "entries")}, each with what it names.`,
    );
  });
}

function entryFindings(facts: DoctorFacts, { path, entry, files }: BootEntryFact): Said[] {
  if ("reason" in entry) return [problem(`${path}: ${entry.reason}`, REMAKE)];
  const lost = files.flatMap(({ path: file, state }) => {
    if (state !== "missing" && state !== "empty") return [];
    return [problem(`${path}: ${file} ${state === "missing" ? "does not exist" : "is empty"}.`, REMAKE)];
  });
  return [...lost, ...rootParameterFindings(facts, path, parametersOf(entry.options), "Mend its options.")];
}

/** Entries of other partitions count: systemd-boot shows those of the ESP and of XBOOTLDR. */
function defaultFindings({ partition, default: wanted }: EntryFolderFact, folders: readonly EntryFolderFact[]): Said[] {
  if (wanted === undefined || wanted.startsWith("@") || matches(folders, wanted)) return [];
  return [
    warning(
      `${partition}/loader/loader.conf: the default ${wanted} matches no entry, so the loader chooses one.`,
      "Name one that is there: `bootctl list`.",
    ),
  ];
}

function firmwareFindings(facts: DoctorFacts, folders: readonly EntryFolderFact[]): Said[] {
  const { entryDefault, entryOneShot } = valueOf(facts.firmware) ?? {};
  const found: Said[] = [];
  if (entryDefault !== undefined && entryDefault !== "" && !entryDefault.startsWith("@")) {
    const wanted = folders.find((folder) => folder.default !== undefined)?.default;
    const cure = "Take it away: `bootctl set-default ''`.";
    const variable = `The firmware's variable LoaderEntryDefault is "${entryDefault}"`;
    if (!matches(folders, entryDefault)) found.push(warning(`${variable}, which matches no entry.`, cure));
    else if (wanted !== undefined && wanted !== entryDefault)
      found.push(warning(`${variable}: it overrides the default of loader.conf, ${wanted}.`, cure));
  }
  if (entryOneShot !== undefined && entryOneShot !== "") {
    const message = `The firmware's variable LoaderEntryOneShot is "${entryOneShot}": the next start takes that entry, whatever the default is.`;
    found.push(warning(message, "Take it away: `bootctl set-oneshot ''`."));
  }
  return found;
}

/** As systemd-boot does: a pattern of a shell over file names, with and without their endings, in any case. */
function matches(folders: readonly EntryFolderFact[], pattern: string): boolean {
  if (pattern.startsWith("auto-")) return true;
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "i",
  );
  const names = folders.flatMap(({ entries, images }) => [
    ...entries.flatMap(({ id }) => [id, `${id}.conf`]),
    ...images.flatMap((name) => [name, name.replace(/\.efi$/i, "")]),
  ]);
  return names.some((name) => expression.test(name));
}

function parametersOf(options: string): readonly string[] {
  try {
    return splitCommandLine(options);
  } catch (error) {
    if (error instanceof RegrowError) return [];
    throw error;
  }
}
