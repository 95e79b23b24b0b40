/** GLib as the second opinion on GVariant, by way of the system's Python. */
import { execFileSync } from "node:child_process";

/** Where Debian's python3-gi lies: what a test asks for with `requires`. */
export const GLIB_NEEDS = { programs: ["python3"], files: ["/usr/lib/python3/dist-packages/gi/__init__.py"] } as const;

const SCRIPT = `
import sys, gi
gi.require_version("GLib", "2.0")
from gi.repository import GLib
for line in sys.stdin:
    kind, data = line.rstrip("\\n").split("\\t")
    if not GLib.VariantType.string_is_valid(kind):
        print("invalid")
        continue
    variant = GLib.Variant.new_from_bytes(GLib.VariantType.new(kind), GLib.Bytes.new(bytes.fromhex(data)), False)
    print("normal" if variant.is_normal_form() else "other")
`;

export interface TypedBytes {
  readonly type: string;
  readonly data: Buffer;
}

/** What GLib says of each: the bytes are the type's normal form, another one, or the type is none. */
export function judgeByGlib(cases: readonly TypedBytes[]): ("normal" | "other" | "invalid")[] {
  const input = cases.map(({ type, data }) => `${type}\t${data.toString("hex")}\n`).join("");
  const output = execFileSync("/usr/bin/python3", ["-c", SCRIPT], {
    input,
    maxBuffer: 2 ** 28,
    stdio: ["pipe", "pipe", "ignore"],
  });
  return output.toString().trimEnd().split("\n") as ("normal" | "other" | "invalid")[];
}

const KEYFILE_SCRIPT = `
import sys, json, gi
gi.require_version("GLib", "2.0")
from gi.repository import GLib
for line in sys.stdin:
    text = json.loads(line)
    keyfile = GLib.KeyFile()
    try:
        keyfile.load_from_data(text, len(text.encode()), GLib.KeyFileFlags.NONE)
    except GLib.Error:
        print("null")
        continue
    found = []
    for group in keyfile.get_groups()[0]:
        for key in keyfile.get_keys(group)[0]:
            try:
                found.append([group, key, keyfile.get_string(group, key)])
            except GLib.Error:
                found.append([group, key, None])
    print(json.dumps(found))
`;

/** Group, key and value (null where its escapes are broken) of all that GLib finds; null where it refuses the text. */
export type GlibKeyfile = readonly (readonly [group: string, key: string, value: string | null])[] | null;

export function readKeyfilesByGlib(texts: readonly string[]): GlibKeyfile[] {
  const input = texts.map((text) => `${JSON.stringify(text)}\n`).join("");
  const output = execFileSync("/usr/bin/python3", ["-c", KEYFILE_SCRIPT], {
    input,
    maxBuffer: 2 ** 28,
    stdio: ["pipe", "pipe", "ignore"],
  });
  return output
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as GlibKeyfile);
}
