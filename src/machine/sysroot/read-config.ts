/** The configuration of a machine: /etc/regrow.toml, then /etc/regrow.d in the order of names. */
import { bytesOf, displayBytes, joinBytes } from "../../base/byte-string.ts";
import { type ConfigFile, type MachineConfig, parseMachineConfig } from "../../codec/machine-config.ts";
import { tryReadInRoot } from "../../sys/read-file.ts";
import { listInRoot } from "../../sys/read-dir.ts";

export const CONFIG_PATH = "etc/regrow.toml";
const CONFIG_FOLDER = "etc/regrow.d";
const LARGEST = 1024 * 1024;

/** Throws `usage`, which names the file and the key. */
export function readMachineConfig(rootFd: number): MachineConfig {
  const more = listInRoot(rootFd, CONFIG_FOLDER).filter((name) => name.endsWith(".toml"));
  const paths = [bytesOf(CONFIG_PATH), ...more.toSorted().map((name) => joinBytes(bytesOf(CONFIG_FOLDER), name))];
  const files = paths.flatMap((path): ConfigFile[] => {
    const data = tryReadInRoot(rootFd, path, LARGEST);
    return data === undefined ? [] : [{ path: `/${displayBytes(path)}`, text: data.toString("utf8") }];
  });
  return parseMachineConfig(files);
}
