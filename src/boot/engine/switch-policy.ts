/**
 * Arms and disarms a switch of the root, and tells what became of it:
 *
 *   policy/switch            the order that the engine carries out: exists as long as it is pending
 *   policy/switch.refused    why the engine has left it alone, at its last try
 *   policy/switch.done       the order that was carried out last
 *
 * All functions take the open folder of the subvolume `@regrow`.
 */
import { bytesOf } from "../../base/byte-string.ts";
import { RegrowError } from "../../base/errors.ts";
import {
  type SwitchOrder,
  type SwitchRefusal,
  formatSwitchOrder,
  parseSwitchOrder,
  parseSwitchRefusal,
} from "../../codec/switch-order.ts";
import { fsyncDirAt, replaceFileAt } from "../../sys/durable.ts";
import { tryMakeDirAt, tryUnlinkAt } from "../../sys/names.ts";
import { tryReadFileAt } from "../../sys/read-file.ts";

export interface SwitchPolicy {
  readonly armed: SwitchOrder | undefined;
  /** Of the armed order only. */
  readonly refused: SwitchRefusal | undefined;
  readonly done: SwitchOrder | undefined;
}

const POLICY = "policy";
const MOST_BYTES = 64 * 1024;

/**
 * Makes the order pending, durably. Throws `exists` where another operation's is pending, `usage` and `unsupported` as
 * `formatSwitchOrder` does. What the order names is not looked at: that is the caller's.
 */
export function armSwitch(regrowFd: number, order: SwitchOrder): void {
  const text = formatSwitchOrder(order);
  const pending = readSwitchPolicy(regrowFd).armed;
  if (pending !== undefined && pending.operation !== order.operation) throw alreadyPending(pending);
  if (tryMakeDirAt(regrowFd, POLICY, 0o700)) fsyncDirAt(regrowFd, ".");
  tryUnlinkAt(regrowFd, bytesOf(`${POLICY}/switch.refused`));
  replaceFileAt(regrowFd, POLICY, "switch", Buffer.from(text), { mode: 0o600 });
}

/** Takes the pending order back, durably; returns it, or undefined where none was. It need not be readable. */
export function disarmSwitch(regrowFd: number): SwitchOrder | "unreadable" | undefined {
  let order: SwitchOrder | "unreadable" | undefined;
  try {
    order = readOrder(regrowFd, "switch");
  } catch (error) {
    if (!(error instanceof RegrowError) || (error.code !== "corrupt" && error.code !== "unsupported")) throw error;
    order = "unreadable";
  }
  if (order === undefined) return undefined;
  tryUnlinkAt(regrowFd, `${POLICY}/switch`);
  tryUnlinkAt(regrowFd, `${POLICY}/switch.refused`);
  fsyncDirAt(regrowFd, POLICY);
  return order;
}

/** Throws `corrupt`, or `unsupported` where a newer regrow wrote the order. */
export function readSwitchPolicy(regrowFd: number): SwitchPolicy {
  const armed = readOrder(regrowFd, "switch");
  const refusal = tryReadFileAt(regrowFd, `${POLICY}/switch.refused`, MOST_BYTES);
  const refused = refusal === undefined ? undefined : parseSwitchRefusal(refusal.toString("latin1"));
  return {
    armed,
    refused: armed !== undefined && isAbout(refused, armed) ? refused : undefined,
    done: readOrder(regrowFd, "switch.done"),
  };
}

function isAbout(refused: SwitchRefusal | undefined, order: SwitchOrder): boolean {
  return refused?.operation === order.operation || refused?.operation === "unknown";
}

function readOrder(regrowFd: number, name: string): SwitchOrder | undefined {
  const content = tryReadFileAt(regrowFd, `${POLICY}/${name}`, MOST_BYTES);
  return content === undefined ? undefined : parseSwitchOrder(content.toString("latin1"));
}

function alreadyPending(order: SwitchOrder): RegrowError {
  return new RegrowError("exists", `A switch to ${order.next} is pending already (operation ${order.operation}).`, {
    path: order.next,
    hint: "Reboot, or take it back with `regrow undo`.",
  });
}
