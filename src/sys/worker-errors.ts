/**
 * Errors on their way from a worker thread to the thread that asked. A structured clone keeps message and stack of an
 * error and loses its class: here the family's own errors cross the border whole, and are themselves again on the other side.
 */
import { type ErrorCode, RegrowError, SystemError } from "../base/errors.ts";

/** An error as plain data that a structured clone can carry. */
export type PackedError =
  | {
      readonly kind: "system";
      readonly call: string;
      readonly errno: string;
      readonly path: string | undefined;
      readonly stack: string;
    }
  | {
      readonly kind: "regrow";
      readonly code: ErrorCode;
      readonly message: string;
      readonly path: string | undefined;
      readonly hint: string | undefined;
      readonly cause: PackedError | undefined;
      readonly stack: string;
    }
  | { readonly kind: "other"; readonly name: string; readonly message: string; readonly stack: string; readonly code: unknown };

export function packError(error: unknown): PackedError {
  if (error instanceof SystemError) {
    const { call, errno, path } = error;
    return { kind: "system", call, errno, path, stack: stackOf(error) };
  }
  if (error instanceof RegrowError) {
    const { code, message, path, hint } = error;
    const cause = error.cause === undefined ? undefined : packError(error.cause);
    return { kind: "regrow", code, message, path, hint, cause, stack: stackOf(error) };
  }
  if (error instanceof Error) {
    const { name, message } = error;
    const code = (error as NodeJS.ErrnoException).code;
    return { kind: "other", name, message, stack: stackOf(error), code: typeof code === "string" ? code : undefined };
  }
  return { kind: "other", name: "Error", message: String(error), stack: "", code: undefined };
}

/** The error that was packed: the same class, fields and stack. */
export function unpackError(packed: PackedError): Error {
  const error = rebuild(packed);
  if (packed.stack !== "") error.stack = packed.stack;
  return error;
}

function rebuild(packed: PackedError): Error {
  if (packed.kind === "system") return new SystemError(packed.call, packed.errno, packed.path);
  if (packed.kind === "regrow") {
    const { path, hint } = packed;
    const cause = packed.cause === undefined ? undefined : unpackError(packed.cause);
    return new RegrowError(packed.code, packed.message, { path, hint, cause });
  }
  const error = new Error(packed.message);
  if (packed.name !== "Error") Object.defineProperty(error, "name", { value: packed.name, configurable: true, writable: true });
  if (packed.code !== undefined) Object.assign(error, { code: packed.code });
  return error;
}

function stackOf(error: Error): string {
  return error.stack ?? "";
}
