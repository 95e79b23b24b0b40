/** What a person says about a commit, and when it was. */
import { RegrowError } from "../base/errors.ts";
import type { OptionDefinition } from "./option-definition.ts";
import { parseTime } from "./value-parsers.ts";

export const MESSAGE_OPTIONS: readonly OptionDefinition[] = [
  { short: "m", long: "message", value: "TEXT", summary: "first line: subject; rest: body" },
  { short: "s", long: "subject", value: "TEXT", summary: "the subject" },
  { long: "body", value: "TEXT", summary: "the body" },
  { long: "timestamp", value: "TIME", summary: "in place of now: ISO 8601, or @ and seconds", parse: parseTime },
];

export interface MessageOptions {
  readonly message?: string;
  readonly subject?: string;
  readonly body?: string;
  /** Seconds since 1970. */
  readonly timestamp?: number;
}

/** `-m`: the first line is the subject, the rest the body. Throws `usage` where -m is mixed with the others. */
export function readMessage({ message, subject, body }: MessageOptions): {
  subject: string | undefined;
  body: string | undefined;
} {
  if (message === undefined) return { subject, body };
  if (subject !== undefined || body !== undefined) {
    throw new RegrowError("usage", "-m is the whole message: it excludes --subject and --body.");
  }
  const end = message.indexOf("\n");
  if (end < 0) return { subject: message, body: undefined };
  return { subject: message.slice(0, end), body: message.slice(end).replace(/^\n+/, "").trimEnd() };
}
