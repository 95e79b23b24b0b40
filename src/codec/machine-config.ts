/**
 * What a machine's administrator says of regrow: /etc/regrow.toml, which is theirs and never rewritten, and the files of
 * /etc/regrow.d, which commands write. Later files add to lists and replace single values.
 */
import { parse, TomlError } from "smol-toml";
import * as v from "valibot";
import { RegrowError } from "../base/errors.ts";
import { lineOfKey, nearestKey } from "./toml-lines.ts";

/** How many commits stay whole: the newest of each hour, day … that has any. */
export interface KeepRules {
  readonly last?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
}

/** Which replaced roots stay: each rule keeps for itself. */
export interface HistoryRules {
  /** The newest so many. */
  readonly last?: number | undefined;
  /** Those that were replaced in the last so many days. */
  readonly days?: number | undefined;
}

/** A path that a switch of the system leaves as it is. */
export interface CarryRule {
  /** Absolute, without a slash at its end. */
  readonly path: string;
}

export interface MachineConfig {
  readonly branch: string;
  readonly keep: KeepRules | undefined;
  /** Undefined: all replaced roots stay. */
  readonly history: HistoryRules | undefined;
  readonly carry: readonly CarryRule[];
  /** How many of the last commits the boot menu shows. */
  readonly menu: number;
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const absolute = v.pipe(
  v.string(),
  v.regex(/^\/(?!.*(^|\/)\.{1,2}(\/|$)).+$/, "an absolute path without . and .. is needed"),
  v.transform((path) => path.replace(/\/+/g, "/").replace(/\/$/, "")),
);
const keepRules = v.strictObject({
  last: v.optional(count),
  hourly: v.optional(count),
  daily: v.optional(count),
  weekly: v.optional(count),
  monthly: v.optional(count),
  yearly: v.optional(count),
});
const file = v.strictObject({
  branch: v.optional(v.pipe(v.string(), v.minLength(1))),
  keep: v.optional(keepRules),
  menu: v.optional(v.pipe(count, v.maxValue(50))),
  history: v.optional(v.strictObject({ keep: v.optional(v.strictObject({ last: v.optional(count), days: v.optional(count) })) })),
  carry: v.optional(v.array(v.strictObject({ path: absolute }))),
});

const DEFAULTS: MachineConfig = { branch: "main", keep: undefined, history: undefined, carry: [], menu: 5 };

/** In the order given. Throws `usage`, which names the file, the key and what is wrong with it. */
export function parseMachineConfig(files: readonly ConfigFile[]): MachineConfig {
  let config = DEFAULTS;
  for (const { path, text } of files) {
    const found = checkFile(path, text);
    config = {
      branch: found.branch ?? config.branch,
      keep: found.keep ?? config.keep,
      history: found.history?.keep ?? config.history,
      menu: found.menu ?? config.menu,
      carry: [...config.carry.filter((rule) => !found.carry?.some((other) => other.path === rule.path)), ...(found.carry ?? [])],
    };
  }
  return config;
}

function parseToml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    throw new RegrowError("usage", `${path}: line ${error.line}: ${reason}.`, {
      path,
      hint: "Mend the line; nothing was done.",
      cause: error,
    });
  }
}

function checkFile(path: string, text: string): v.InferOutput<typeof file> {
  const result = v.safeParse(file, parseToml(path, text), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const pieces = (issue.path ?? []).map(({ key }) => key as string | number);
  const isUnknown = issue.type === "strict_object" && issue.expected === "never";
  const reason = isUnknown ? "no such key" : issue.message.replace(/^Invalid \w+: /, "").toLowerCase();
  const line = lineOfKey(text, pieces);
  const where = line === undefined ? path : `${path}: line ${line}`;
  throw new RegrowError("usage", `${where}: ${pieces.join(".")}: ${reason}.`, {
    path,
    hint: isUnknown ? unknownHint(pieces) : "Mend the value; nothing was done.",
  });
}

function unknownHint(pieces: readonly (string | number)[]): string {
  const known = keysAt(file as unknown as AnySchema, pieces.slice(0, -1));
  const nearest = nearestKey(String(pieces.at(-1)), known);
  if (nearest !== undefined) return `Was \`${nearest}\` meant? Nothing was done.`;
  return `Known there: ${known.map((key) => `\`${key}\``).join(", ")}. Nothing was done.`;
}

/** As far as it is walked; the library's own types are too narrow for a walk. */
interface AnySchema {
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly wrapped?: AnySchema;
  readonly item?: AnySchema;
}

/** What a table of the schema may have, by the path to it. */
function keysAt(schema: AnySchema, path: readonly (string | number)[]): string[] {
  let at: AnySchema | undefined = schema;
  for (const piece of path) {
    at = inner(typeof piece === "number" ? inner(at)?.item : inner(at)?.entries?.[piece]);
  }
  return Object.keys(inner(at)?.entries ?? {});
}

function inner(schema: AnySchema | undefined): AnySchema | undefined {
  return schema?.wrapped === undefined ? schema : inner(schema.wrapped);
}
