/** The ways in which `diff` and `show` print what differs. */
import type { ByteString } from "../base/byte-string.ts";
import { RegrowError } from "../base/errors.ts";
import { type PackageDiff, diffPackages, touchesPackages } from "../machine/package-changes.ts";
import type { Change } from "../store/diff/change.ts";
import { type FilePatch, filePatches } from "../store/diff/patch/file-patch.ts";
import { type TreeRef, withTreeView } from "../store/diff/tree-view.ts";
import type { Context } from "./context.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { changeJson, changeLine } from "./render/change-line.ts";
import { countOf } from "./render/commit-counts.ts";
import { nameStatus } from "./render/name-status.ts";
import { packageJson, packageLine } from "./render/package-line.ts";
import { patchText } from "./render/patch-text.ts";
import { type FileStat, fileStat, folderLines, numstatLine, statLines } from "./render/stat-lines.ts";

export interface FormatOptions {
  readonly stat?: boolean;
  readonly numstat?: boolean;
  readonly byFolder?: boolean;
  readonly nameStatus?: boolean;
  readonly nameOnly?: boolean;
  readonly patch?: boolean;
  readonly nul?: boolean;
  readonly packages?: boolean;
  readonly packagesOnly?: boolean;
  readonly noPackages?: boolean;
}

export const FORMAT_OPTIONS: readonly OptionDefinition[] = [
  { long: "stat", summary: "how many lines or bytes of each file, and in all" },
  { long: "numstat", summary: "the same as numbers: lines added, removed, name" },
  { long: "by-folder", summary: "how many files and bytes in each folder" },
  { long: "name-status", summary: "git's letters and the names: A, D, M, T (another type), R100" },
  { long: "name-only", summary: "only the names" },
  { short: "z", long: "nul", summary: "with these two: each field ended by NUL, names as they are" },
  { short: "p", long: "patch", summary: "line by line, for patch and git apply" },
  { long: "packages", summary: "also the packages, in every form" },
  { long: "packages-only", summary: "only the packages" },
  { long: "no-packages", summary: "never the packages" },
];

const FORMS = ["stat", "numstat", "byFolder", "nameStatus", "nameOnly", "patch", "packagesOnly"] as const;

/** Which form is asked for. Throws `usage` for several. */
export function formOf(command: string, options: FormatOptions): (typeof FORMS)[number] | undefined {
  const asked = FORMS.filter((form) => options[form] === true);
  if (asked.length > 1) throw new RegrowError("usage", `${command}: several forms of output are asked for; choose one.`);
  if (options.nul === true && asked[0] !== "nameStatus" && asked[0] !== "nameOnly")
    throw new RegrowError("usage", `${command}: -z goes with --name-status or --name-only.`);
  if (options.noPackages === true && (options.packages === true || options.packagesOnly === true))
    throw new RegrowError("usage", `${command}: --no-packages excludes the other two.`);
  return asked[0];
}

export interface Compared {
  readonly before: TreeRef;
  readonly after: TreeRef;
  /** Those that are to be shown. */
  readonly changes: readonly Change[];
  /** All of both trees was compared. */
  readonly whole: boolean;
}

/** Whether something was shown. */
export async function printDiff(context: Context, compared: Compared, options: FormatOptions): Promise<boolean> {
  const form = formOf("diff", options);
  const { changes } = compared;
  if (form !== "packagesOnly") await printChanges(context, compared, form, options);
  const packages = await packagesToShow(compared, form, options);
  const some = packages !== undefined && packages.changes.length > 0;
  if (some) printPackages(context, packages, form !== "packagesOnly" && changes.length > 0);
  return form === "packagesOnly" ? some : some || changes.length > 0;
}

async function packagesToShow(
  { before, after, changes, whole }: Compared,
  form: string | undefined,
  { packages, noPackages }: FormatOptions,
): Promise<PackageDiff | undefined> {
  if (form === "packagesOnly" || packages === true) return diffPackages(before, after);
  const byDefault = form === undefined && noPackages !== true && whole && touchesPackages(changes);
  return byDefault ? diffPackages(before, after) : undefined;
}

function printPackages({ out, global }: Context, { before, after, changes }: PackageDiff, isBelow: boolean): void {
  if (isBelow && !global.json) out.print("");
  for (const change of changes) {
    if (global.json) out.json(packageJson(change, change.after === undefined ? before.manager : after.manager));
    else out.print(packageLine(change));
  }
}

async function printChanges(
  context: Context,
  compared: Compared,
  form: ReturnType<typeof formOf>,
  { nul = false }: FormatOptions,
): Promise<void> {
  const { out, global } = context;
  const { changes } = compared;
  if (form === undefined || (global.json && (form === "nameOnly" || form === "nameStatus"))) {
    const line = (change: Change): string =>
      global.json ? JSON.stringify(changeJson(change)) : changeLine(change, global.verbose);
    return out.printAll(changes.map(line));
  }
  if (form === "nameOnly" || form === "nameStatus") {
    const style = { namesOnly: form === "nameOnly", nul };
    if (nul) return out.writeAll(changes.map((change) => Buffer.from(nameStatus(change, style), "latin1")));
    return out.printAll(changes.map((change) => nameStatus(change, style)));
  }
  await eachPatch(context, compared, form);
}

async function eachPatch(context: Context, { before, after, changes }: Compared, form: string): Promise<void> {
  const { out, global, observer } = context;
  const stats: FileStat[] = [];
  await withTreeView(before, (beforeView) =>
    withTreeView(after, async (afterView) => {
      for await (const file of filePatches(beforeView, afterView, changes, observer)) {
        if (form === "patch" && !global.json) out.write(Buffer.from(patchText(file), "latin1"));
        else if (global.json) out.json(patchJson(file, changes, form === "patch"));
        else stats.push(fileStat(file));
      }
    }),
  );
  if (global.json) return;
  if (form === "numstat") await out.printAll(stats.map(numstatLine));
  if (form === "stat") await out.printAll(statLines(stats));
  if (form === "byFolder") await out.printAll(folderLines(stats));
  const others = changes.filter(({ type }) => type !== "file" && type !== "link").length;
  if (others > 0)
    out.say(
      `${countOf(others, "folder, device node or FIFO", "folders, device nodes and FIFOs")} beside (--name-status lists them)`,
    );
}

function patchJson(file: FilePatch, changes: readonly Change[], withText: boolean): Record<string, unknown> {
  const change = changes.find(({ path }) => path === file.path)!;
  const { added, removed, before, after, kind } = fileStat(file);
  const text = withText ? Buffer.from(patchText(file) as ByteString, "latin1").toString("utf8") : undefined;
  return { ...changeJson(change), content: kind, added, removed, bytesBefore: before, bytesAfter: after, patch: text };
}
