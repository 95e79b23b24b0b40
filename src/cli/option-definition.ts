/** What an option is: to the parser, the help and the shell completions alike. */

/** What a shell may offer for a value. */
export type Completes = "revision" | "ref" | "file" | "folder" | "command" | "nothing" | readonly string[];

export interface OptionDefinition {
  /** One letter, without the dash. */
  readonly short?: string;
  /** Without the dashes. */
  readonly long: string;
  /** What its value is called; without one it is a switch. */
  readonly value?: string;
  readonly summary: string;
  /** It may be given several times, and its values are collected. */
  readonly repeated?: boolean;
  /** Turns the text into what the command takes. Throws `usage`. */
  readonly parse?: (text: string) => unknown;
  readonly completes?: Completes;
}

/** `no-xattrs` → `noXattrs` */
export function optionKey(long: string): string {
  return long.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
