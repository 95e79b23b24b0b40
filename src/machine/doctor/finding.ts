/** What a check of `doctor` says. */

/**
 * `problem`: a rollback or a start will fail, or do something else than it should. `warning`: it may, or something is odd. `unseen`: it could not
 * be looked at. `skipped`: there is nothing of the kind on this machine.
 */
export type Severity = "problem" | "warning" | "ok" | "unseen" | "skipped";

export interface Finding {
  /** The check's name, such as `grub`. */
  readonly check: string;
  readonly severity: Severity;
  /** Names the path that it is about. */
  readonly message: string;
  /** A command or a sentence; of problems and warnings. */
  readonly cure?: string;
}

/** What one check says, without its name. */
export type Said = Omit<Finding, "check">;

export function problem(message: string, cure: string): Said {
  return { severity: "problem", message, cure };
}

export function warning(message: string, cure: string): Said {
  return { severity: "warning", message, cure };
}

export function ok(message: string): Said {
  return { severity: "ok", message };
}

export function unseen(message: string): Said {
  return { severity: "unseen", message };
}

export function skipped(message: string): Said {
  return { severity: "skipped", message };
}

/** `found`, or that all is well where nothing was found. */
export function orOk(found: readonly Said[], message: string): readonly Said[] {
  return found.length > 0 ? found : [ok(message)];
}

/** `1 entry`, `2 entries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
