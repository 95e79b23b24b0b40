/**
 * The order for a switch of the root subvolume, as `assets/engine/regrow-engine` reads it from `@regrow/policy/switch`: one
 * `key=value` a line, each key once, with characters that mean nothing to a shell. docs/engine.md has the format.
 *
 *   version=1
 *   operation=42
 *   class=a
 *   name=@rootfs
 *   next=@regrow/next/42/root
 *   next_id=270
 *   current_id=256
 *   history=@regrow/history/42/root
 *   kernels=6.1.0-37-amd64 6.1.0-38-amd64
 *   nested=var/lib/machines var/lib/portables
 */
import { RegrowError } from "../base/errors.ts";

/** Paths start at the top level of the file system, without a `/` in front. */
export interface SwitchOrder {
  /** Names the operation in regrow's log: letters, digits and `-_.`. */
  readonly operation: string;
  /**
   * `a`: /boot is inside the root, and the exchange of two names is the commit point. `b`: kernels are outside of the root; the boot
   * loader's default is the commit point, and the names are exchanged when the prepared root has been started by its id.
   */
  readonly bootClass: "a" | "b";
  /** The path that the boot loader and fstab name, such as `@rootfs` or `@/root`. */
  readonly name: string;
  /** The prepared root: below `@regrow/next/`. */
  readonly next: string;
  /** Its subvolume's id. */
  readonly nextId: number;
  /** The id of the subvolume that is to be replaced. */
  readonly currentId: number;
  /** Where the replaced root goes: below `@regrow/history/`. */
  readonly history: string;
  /** The kernel releases that the prepared root has modules for. */
  readonly kernels: readonly string[];
  /** Paths in the current root of subvolumes nested in it, which go on in the next one. */
  readonly nested: readonly string[];
}

/** Why the engine left an order alone, as it writes it to `@regrow/policy/switch.refused`. */
export interface SwitchRefusal {
  /** `unknown` where the order could not be read that far. */
  readonly operation: string;
  readonly mode: "shutdown" | "initramfs" | "running";
  /** `kernel`, `root`, `state`, `order` or `write`. */
  readonly code: string;
  /** A sentence for people. */
  readonly reason: string;
}

const KEYS = ["version", "operation", "class", "name", "next", "next_id", "current_id", "history", "kernels", "nested"] as const;
const REFUSAL_KEYS = ["operation", "mode", "code", "reason"] as const;
const NEXT = "@regrow/next/";
const HISTORY = "@regrow/history/";
const PATH = /^[A-Za-z0-9@_./+:,~-]+$/;
const WORD = /^[A-Za-z0-9_.-]+$/;
const RELEASE = /^[A-Za-z0-9@_./+:,~-]+$/;
const MOST_BYTES = 64 * 1024;

/** The order's text. Throws `unsupported` for a path or a release that the format can't hold, `usage` for what makes no sense. */
export function formatSwitchOrder(order: SwitchOrder): string {
  checkOrder(order, (why) => new RegrowError("usage", `Not an order for a switch: ${why}.`));
  const values: Record<(typeof KEYS)[number], string> = {
    version: "1",
    operation: order.operation,
    class: order.bootClass,
    name: order.name,
    next: order.next,
    next_id: String(order.nextId),
    current_id: String(order.currentId),
    history: order.history,
    kernels: order.kernels.join(" "),
    nested: order.nested.join(" "),
  };
  return KEYS.map((key) => `${key}=${values[key]}\n`).join("");
}

/** Reads what `formatSwitchOrder` wrote. Throws `unsupported` for another version or class, `corrupt` for all else. */
export function parseSwitchOrder(text: string): SwitchOrder {
  const values = readValues(text, KEYS);
  if (values.version !== "1") throw tooNew(`version ${values.version}`);
  if (values.class !== "a" && values.class !== "b") throw tooNew(`boot class ${values.class}`);
  const order: SwitchOrder = {
    operation: values.operation,
    bootClass: values.class,
    name: values.name,
    next: values.next,
    nextId: idOf(values.next_id),
    currentId: idOf(values.current_id),
    history: values.history,
    kernels: wordsOf(values.kernels),
    nested: wordsOf(values.nested),
  };
  checkOrder(order, corrupt);
  return order;
}

/** Throws `corrupt`. */
export function parseSwitchRefusal(text: string): SwitchRefusal {
  const { operation, mode, code, reason } = readValues(text, REFUSAL_KEYS);
  if (mode !== "shutdown" && mode !== "initramfs" && mode !== "running")
    throw corrupt(`there is no mode ${JSON.stringify(mode)}`);
  return { operation, mode, code, reason };
}

function readValues<Key extends string>(text: string, keys: readonly Key[]): Record<Key, string> {
  if (text.length > MOST_BYTES) throw corrupt("it is far too long");
  const values = new Map<string, string>();
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const equals = line.indexOf("=");
    const key = equals < 0 ? line : line.slice(0, equals);
    if (!keys.includes(key as Key)) throw corrupt(`the key ${JSON.stringify(key)} is not known`);
    if (values.has(key)) throw corrupt(`${key} stands there twice`);
    values.set(key, equals < 0 ? "" : line.slice(equals + 1));
  }
  for (const key of keys) if (!values.has(key)) throw corrupt(`${key} is missing`);
  return Object.fromEntries(values) as Record<Key, string>;
}

function checkOrder(order: SwitchOrder, error: (why: string) => RegrowError): void {
  if (!WORD.test(order.operation)) throw error(`${JSON.stringify(order.operation)} names no operation`);
  for (const path of [order.name, order.next, order.history, ...order.nested]) checkPath(path, error);
  if (order.name === "@regrow" || order.name.startsWith("@regrow/")) throw error(`${order.name} is regrow's own`);
  if (!isBelow(order.next, NEXT)) throw error(`${order.next} is not below ${NEXT}`);
  if (!isBelow(order.history, HISTORY)) throw error(`${order.history} is not below ${HISTORY}`);
  for (const id of [order.nextId, order.currentId]) {
    if (!Number.isSafeInteger(id) || id < 256) throw error(`${id} is no subvolume's id`);
  }
  if (order.nextId === order.currentId) throw error("the prepared root is the current one");
  for (const release of order.kernels) if (!RELEASE.test(release)) throw cannotHold(release);
}

function wordsOf(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

function checkPath(path: string, error: (why: string) => RegrowError): void {
  const pieces = path.split("/");
  if (pieces.some((piece) => piece === "" || piece === "." || piece === "..")) {
    throw error(`${JSON.stringify(path)} is not a path from the top level`);
  }
  if (!PATH.test(path)) throw cannotHold(path);
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder) && path.length > folder.length;
}

function idOf(text: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(text)) throw corrupt(`${JSON.stringify(text)} is no subvolume's id`);
  return Number(text);
}

function cannotHold(text: string): RegrowError {
  return new RegrowError("unsupported", `${JSON.stringify(text)}: has characters that an order for a switch can't hold.`, {
    hint: "Rename the subvolume: letters, digits and @_./+:,~- are possible.",
  });
}

function tooNew(what: string): RegrowError {
  return new RegrowError("unsupported", `The order for a switch is of ${what}, which this regrow doesn't know.`, {
    hint: "Use the regrow that wrote it, or a newer one.",
  });
}

function corrupt(why: string): RegrowError {
  return new RegrowError("corrupt", `The order for a switch is damaged: ${why}.`);
}
