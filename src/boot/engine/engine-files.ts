/**
 * The files that bring the engine onto a machine. All stand in the root and so are kept, restored and replaced with it:
 *
 *   usr/lib/regrow/regrow-engine, regrow-exchange     the engine itself
 *   usr/lib/systemd/system-shutdown/regrow            runs it at the very end of a shutdown
 *   …                                                 and what takes it into the initramfs, for each generator that is there
 *
 * The order is the order of writing: nothing calls what is not there yet.
 */
import { displayBytes, type ByteString } from "../../base/byte-string.ts";

export type InitramfsGenerator = "initramfs-tools" | "dracut" | "mkinitcpio";

/** What an installation depends on. */
export interface EngineMachine {
  readonly architecture: "x86_64" | "aarch64";
  readonly hasSystemd: boolean;
  /** The one that makes the machine's images comes first. */
  readonly generators: readonly InitramfsGenerator[];
}

export interface EngineFile {
  /** Relative to the root. */
  readonly path: ByteString;
  readonly mode: 0o644 | 0o755;
  /** What `readPackagedFile` takes. */
  readonly content: string;
}

export const ENGINE_PATH = "usr/lib/regrow/regrow-engine" as ByteString;

const GENERATOR_FILES: Readonly<Record<InitramfsGenerator, readonly EngineFile[]>> = {
  "initramfs-tools": [
    file("usr/share/initramfs-tools/scripts/local-premount/regrow", 0o755, "initramfs-tools/local-premount"),
    file("usr/share/initramfs-tools/hooks/regrow", 0o755, "initramfs-tools/hook"),
  ],
  mkinitcpio: [
    file("usr/lib/systemd/system/regrow-switch.service", 0o644, "mkinitcpio/regrow-switch.service"),
    file("usr/lib/initcpio/hooks/regrow", 0o644, "mkinitcpio/hook"),
    file("usr/lib/initcpio/install/regrow", 0o644, "mkinitcpio/install"),
    file("etc/mkinitcpio.conf.d/regrow.conf", 0o644, "mkinitcpio/regrow.conf"),
  ],
  dracut: [
    file("usr/lib/dracut/modules.d/90regrow/regrow-pre-mount.sh", 0o755, "dracut/pre-mount.sh"),
    file("usr/lib/dracut/modules.d/90regrow/module-setup.sh", 0o755, "dracut/module-setup.sh"),
  ],
};

/** What makes all initramfs images anew, in the root of the machine. */
export const REMAKE_INITRAMFS: Readonly<Record<InitramfsGenerator, readonly string[]>> = {
  "initramfs-tools": ["update-initramfs", "-u", "-k", "all"],
  dracut: ["dracut", "--force", "--regenerate-all"],
  mkinitcpio: ["mkinitcpio", "-P"],
};

/** The files for that machine, in the order in which they must be written. */
export function engineFiles(machine: EngineMachine): readonly EngineFile[] {
  return [
    file(`usr/lib/regrow/regrow-exchange`, 0o755, `regrow-exchange.${machine.architecture}`),
    file(ENGINE_PATH, 0o755, "regrow-engine"),
    ...(machine.hasSystemd ? [file("usr/lib/systemd/system-shutdown/regrow", 0o755, "system-shutdown")] : []),
    ...machine.generators.flatMap((generator) => GENERATOR_FILES[generator]),
  ];
}

/** Every path that any machine's engine may have, in the order of writing. */
export function allEnginePaths(): readonly ByteString[] {
  const generators = Object.keys(GENERATOR_FILES) as InitramfsGenerator[];
  return engineFiles({ architecture: "x86_64", hasSystemd: true, generators }).map(({ path }) => path);
}

/** For people, with the `/` in front. */
export function shownPath(path: ByteString): string {
  return `/${displayBytes(path)}`;
}

function file(path: string, mode: 0o644 | 0o755, asset: string): EngineFile {
  return { path: path as ByteString, mode, content: `engine/${asset}` };
}
