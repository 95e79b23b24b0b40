/**
 * The words of GRUB's script language (GRUB manual, "Writing full configuration files directly"): single quotes take everything as it
 * stands, double quotes and bare words know the backslash and variables, `#` at the start of a word begins a comment.
 */
import { RegrowError } from "../../base/errors.ts";

/** A word, with `$name` and `${name}` left as they are; or what separates words. */
export type GrubToken = { readonly kind: "word"; readonly text: string } | { readonly kind: "end" | "open" | "close" };

const BARE = /^[A-Za-z0-9_.,:=/@%+-]+$/;

/** The text as one word of a script that GRUB reads back unchanged. Throws `usage` on control characters, which no menu can show. */
export function quoteGrubWord(text: string): string {
  if (/[\x00-\x1f\x7f]/.test(text))
    throw new RegrowError("usage", `${JSON.stringify(text)}: control characters can't stand in a boot menu.`);
  return BARE.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Throws `corrupt` where a quote is left open. `{` and `}` count as blocks where they stand alone, as in GRUB. */
export function splitGrubScript(text: string): GrubToken[] {
  const tokens: GrubToken[] = [];
  for (let at = 0; at < text.length;) {
    const character = text[at]!;
    if (character === "#") at = skipComment(text, at);
    else if (/[\n;]/.test(character)) at = push(tokens, { kind: "end" }, at);
    else if (/\s/.test(character)) at++;
    else if (character === "{") at = push(tokens, { kind: "open" }, at);
    else if (character === "}") at = push(tokens, { kind: "close" }, at);
    // Pipes and redirections, which GRUB reserves and doesn't carry out, only separate.
    else if (/[|&<>]/.test(character)) at++;
    else at = pushWord(tokens, text, at);
  }
  return tokens;
}

function skipComment(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

function push(tokens: GrubToken[], token: GrubToken, at: number): number {
  tokens.push(token);
  return at + 1;
}

function pushWord(tokens: GrubToken[], text: string, start: number): number {
  let word = "";
  let at = start;
  while (at < text.length && !/[\s;{}|&<>]/.test(text[at]!)) {
    const piece = pieceAt(text, at);
    word += piece.text;
    at = piece.end;
  }
  tokens.push({ kind: "word", text: word });
  return at;
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

function pieceAt(text: string, at: number): Piece {
  const character = text[at]!;
  if (character === "'") return singleQuoted(text, at);
  if (character === '"') return doubleQuoted(text, at);
  if (character === "\\") return { text: text[at + 1] === "\n" ? "" : (text[at + 1] ?? ""), end: at + 2 };
  if (character === "$" && text[at + 1] === "{") {
    const end = text.indexOf("}", at);
    if (end > 0) return { text: text.slice(at, end + 1), end: end + 1 };
  }
  return { text: character, end: at + 1 };
}

function singleQuoted(text: string, at: number): Piece {
  const end = text.indexOf("'", at + 1);
  if (end < 0) throw openQuote(text, at);
  return { text: text.slice(at + 1, end), end: end + 1 };
}

function doubleQuoted(text: string, start: number): Piece {
  let inside = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return { text: inside, end: at + 1 };
    const next = text[at + 1];
    if (character === "\\" && next !== undefined && '$"\\\n'.includes(next)) {
      if (next !== "\n") inside += next;
      at++;
    } else {
      inside += character;
    }
  }
  throw openQuote(text, start);
}

function openQuote(text: string, at: number): RegrowError {
  const line = text.slice(0, at).split("\n").length;
  return new RegrowError("corrupt", `The GRUB configuration has a quote in line ${line} that is not closed.`);
}
