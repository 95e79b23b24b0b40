/** Paths as git writes them: from the root without a slash in front; in quotes where a byte of them would not be plain. */
import type { ByteString } from "../../base/byte-string.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** `etc/hosts`, or `"etc/h\303\266sts"`. */
export function gitPath(path: ByteString, prefix = ""): string {
  const text = prefix + path;
  if (!/[\x00-\x1f"\\\x7f-\xff]/.test(text)) return text;
  const escaped = text.replace(
    /[\x00-\x1f"\\\x7f-\xff]/g,
    (byte) => ESCAPES[byte] ?? `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}
