/** A boot entry as a GRUB script has it. */
import { RegrowError } from "../../base/errors.ts";
import { type KernelParameter, joinCommandLine } from "../kernel-command-line.ts";
import { quoteGrubWord } from "./words.ts";

export interface GrubBootEntry {
  /** By this a default chooses it: letters, digits and `-_.`. */
  readonly id: string;
  readonly title: string;
  /** UUID of the file system that the kernel lies on. */
  readonly fsUuid: string;
  /** Paths from the top of that file system, with a `/` in front. */
  readonly linux: string;
  readonly initrds: readonly string[];
  /** As the kernel is to read them, one each. */
  readonly parameters: readonly KernelParameter[];
}

/**
 * A `menuentry` command, with a line feed at its end. Throws `usage` for an id, UUID or path that can't be one, and `unsupported` for a
 * parameter that GRUB would hand over changed.
 */
export function formatGrubMenuEntry({ id, title, fsUuid, linux, initrds, parameters }: GrubBootEntry): string {
  checkGrubId(id);
  if (!/^[A-Za-z0-9-]+$/.test(fsUuid)) throw new RegrowError("usage", `${fsUuid}: not the UUID of a file system.`);
  for (const path of [linux, ...initrds]) {
    if (!path.startsWith("/")) throw new RegrowError("usage", `${path}: not a path from the top of a file system.`);
  }
  const lines = [
    `menuentry ${quoteGrubWord(title)} --id ${id} {`,
    `\tsearch --no-floppy --fs-uuid --set=root ${fsUuid}`,
    `\t${["linux", quoteGrubWord(linux), ...parameters.map(parameterWord)].join(" ")}`,
    ...(initrds.length === 0 ? [] : [`\t${["initrd", ...initrds.map(quoteGrubWord)].join(" ")}`]),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

/** `set default=`, with a line feed at its end. Throws `usage` for what is no id. */
export function formatGrubDefault(id: string): string {
  checkGrubId(id);
  return `set default=${id}\n`;
}

function checkGrubId(id: string): void {
  // A number would choose by place, and `>` leads into submenus.
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(id)) throw new RegrowError("usage", `${id}: not the id of a boot entry.`);
}

// GRUB puts double quotes around a word with spaces by itself, and a backslash before every quote and backslash inside.
function parameterWord(parameter: KernelParameter): string {
  const word = joinCommandLine([parameter]).replaceAll('"', "");
  const isQuoted = word !== parameter;
  if (/[\\']/.test(word) || word === "" || (isQuoted && !/\s/.test(word))) {
    throw new RegrowError("unsupported", `${parameter}: GRUB would hand this kernel parameter over changed.`, {
      hint: "Write it without quotes and backslashes.",
    });
  }
  return quoteGrubWord(word);
}
