/** What a person says about a commit. */
import { RegrowError } from "../base/errors.ts";

export interface MessageOptions {
  readonly message?: string;
  readonly subject?: string;
  readonly body?: string;
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
