/**
 * The kernel's command line: parameters with spaces between them. Double quotes protect spaces and stay part of the text, as
 * the kernel keeps them for whoever reads the parameter (Documentation/admin-guide/kernel-parameters).
 */
import { RegrowError } from "../base/errors.ts";

/** One parameter as written: `root=UUID=…`, `quiet`, `dyndbg="file a.c +p"`. */
export type KernelParameter = string;

/** The parameters in order. Throws `corrupt` where a quote is left open. */
export function splitCommandLine(text: string): KernelParameter[] {
  const parameters: string[] = [];
  let current = "";
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (!quoted && /\s/.test(character)) {
      if (current !== "") parameters.push(current);
      current = "";
    } else {
      current += character;
    }
  }
  if (quoted) throw new RegrowError("corrupt", `The kernel command line has a quote that is not closed: ${text}`);
  if (current !== "") parameters.push(current);
  return parameters;
}

/** One line of text. Throws `usage` on a parameter that the line would split or that would break the line. */
export function joinCommandLine(parameters: readonly KernelParameter[]): string {
  for (const parameter of parameters) {
    if (parameter === "" || /[\n\r\0]/.test(parameter) || splitCommandLine(parameter)[0] !== parameter) {
      throw new RegrowError("usage", `${JSON.stringify(parameter)}: not one parameter of a kernel command line.`);
    }
  }
  return parameters.join(" ");
}

/** The name of a parameter: what stands before its first `=`. */
export function parameterName(parameter: KernelParameter): string {
  const equals = parameter.indexOf("=");
  return equals < 0 ? parameter : parameter.slice(0, equals);
}

/** The value of the last parameter of that name, which is the one that counts; undefined where none is or it has no value. */
export function parameterValue(parameters: readonly KernelParameter[], name: string): string | undefined {
  const found = parameters.findLast((parameter) => parameterName(parameter) === name);
  return found === undefined || found === name ? undefined : found.slice(name.length + 1);
}

/** The same parameters without those of the given names. */
export function withoutParameters(parameters: readonly KernelParameter[], ...names: readonly string[]): KernelParameter[] {
  return parameters.filter((parameter) => !names.includes(parameterName(parameter)));
}
