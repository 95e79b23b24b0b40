/** The payload of one command as a typed value. */
import type { SendCommand, StreamVersion } from "./command.ts";
import { type AttributeValue, decodeValue } from "./attribute-values.ts";
import { type AttributeUse, COMMANDS_BY_CODE, type CommandUse, DATA_ATTRIBUTE, LAST_ATTRIBUTE } from "./command-table.ts";
import { corruptStream, unsupportedStream } from "./failures.ts";

/** Attribute uses of a command by their code, made once. */
const USES = COMMANDS_BY_CODE.map((command) => {
  const uses: (AttributeUse | undefined)[] = Array.from({ length: LAST_ATTRIBUTE + 1 });
  for (const use of command?.attributes ?? []) uses[use.code] = use;
  return uses;
});

/**
 * The command of number `code`; its data are a view into `payload`. Attributes may stand in any order, but each that the
 * command has must be there once, and no other. Throws `corrupt`, `hostile` or `unsupported`.
 */
export function decodeCommand(code: number, payload: Buffer, version: StreamVersion): SendCommand {
  const command = COMMANDS_BY_CODE[code];
  if (command === undefined) throw unsupportedStream(`it has a command of number ${code}, which is not known`);
  if (command.since > version) throw corruptStream(`a stream of version ${version} has the command ${command.kind}`);
  const uses = USES[code]!;
  const values: Record<string, AttributeValue> = { kind: command.kind };
  for (let at = 0; at < payload.length;) {
    const use = useAt(command, uses, payload, at);
    const start = at + (version >= 2 && use.code === DATA_ATTRIBUTE ? 2 : 4);
    const end = start === at + 2 ? payload.length : start + lengthAt(payload, at + 2);
    if (end > payload.length) throw corruptStream(`an attribute of ${command.kind} is longer than its command`);
    if (values[use.field] !== undefined) throw corruptStream(`${command.kind} has an attribute twice (${use.field})`);
    values[use.field] = decodeValue(use.type, payload.subarray(start, end));
    at = end;
  }
  for (const { field, optional } of command.attributes) {
    const isThere = values[field] !== undefined;
    const isLater = typeof optional === "number" && version < optional;
    if (isThere && isLater) throw corruptStream(`${command.kind} has an attribute that version ${version} has not (${field})`);
    if (!isThere && !isLater && optional !== true) throw corruptStream(`${command.kind} lacks an attribute (${field})`);
  }
  return values as unknown as SendCommand;
}

function useAt(command: CommandUse, uses: readonly (AttributeUse | undefined)[], payload: Buffer, at: number): AttributeUse {
  const code = lengthAt(payload, at);
  const use = uses[code];
  if (use !== undefined) return use;
  if (code === 0 || code > LAST_ATTRIBUTE) throw unsupportedStream(`${command.kind} has an unknown attribute (${code})`);
  throw corruptStream(`${command.kind} has an attribute of another command (${code})`);
}

function lengthAt(payload: Buffer, at: number): number {
  if (at + 2 > payload.length) throw corruptStream("a command ends in the middle of an attribute");
  return payload[at]! | (payload[at + 1]! << 8);
}
