/** What was done to a machine: `log/operations/<number>.json`, each written as a whole before its switch and again after it. */
import { RegrowError } from "../../base/errors.ts";
import { replaceFileAt } from "../../sys/durable.ts";
import { tryMakeDirAt } from "../../sys/names.ts";
import { O, closeFd, openAt } from "../../sys/open.ts";
import { readDir } from "../../sys/read-dir.ts";
import { readFileAt } from "../../sys/read-file.ts";
import type { NextBoot } from "../boot-files/loader-default.ts";
import type { BootClass } from "./boot-class.ts";

export interface Operation {
  readonly number: number;
  readonly kind: "rollback" | "undo";
  /** ISO 8601. */
  readonly time: string;
  /** `armed`: it happens when the machine is shut down. */
  readonly state: "prepared" | "armed" | "done" | "disarmed";
  /** What the machine was: committed before. */
  readonly from: string;
  /** What it becomes. */
  readonly to: string;
  readonly bootClass: BootClass;
  /** From the top level: the name that the boot uses, or for class c the root that was the default one. */
  readonly name: string;
  /** Where the replaced root is when it is done, from the top level. */
  readonly replaced: string;
  /** Class c: paths of nested subvolumes, which go on in the new root. */
  readonly nested: readonly string[];
  /** Class b: how the next start is told. */
  readonly boot?: NextBoot;
  /** When the replaced root was removed, ISO 8601: from then on this can't be reversed. */
  readonly removed?: string;
  /** The operation that this one reverses. */
  readonly reverses?: number;
}

const FOLDER = "log/operations";
const NAME = /^(\d+)\.json$/;

/** The oldest first. Throws `corrupt`. */
export function readOperations(homeFd: number): Operation[] {
  return inFolder(homeFd, (fd) =>
    readDir(fd)
      .filter(({ name }) => NAME.test(name))
      .map(({ name }) => parseOperation(name, readFileAt(fd, name, 1024 * 1024).toString("utf8")))
      .toSorted((a, b) => a.number - b.number),
  );
}

export function writeOperation(homeFd: number, operation: Operation): void {
  inFolder(homeFd, (fd) =>
    replaceFileAt(fd, ".", `${operation.number}.json`, Buffer.from(`${JSON.stringify(operation)}\n`), { mode: 0o600 }),
  );
}

export function nextNumber(operations: readonly Operation[]): number {
  return (operations.at(-1)?.number ?? 0) + 1;
}

function parseOperation(name: string, text: string): Operation {
  try {
    const operation = JSON.parse(text) as Operation;
    if (operation.number === Number(NAME.exec(name)![1]) && typeof operation.to === "string") return operation;
  } catch {
    // Told below.
  }
  throw new RegrowError("corrupt", `@regrow/${FOLDER}/${name}: is damaged.`, {
    path: `@regrow/${FOLDER}/${name}`,
    hint: "Look at it, and move it away.",
  });
}

function inFolder<T>(homeFd: number, work: (fd: number) => T): T {
  tryMakeDirAt(homeFd, FOLDER, 0o700);
  const fd = openAt(homeFd, FOLDER, O.RDONLY | O.DIRECTORY);
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}
