/** The umask of this process, without changing it. */
import { readFileSync } from "node:fs";

export function processUmask(): number {
  const line = /^Umask:\s*(\d+)$/m.exec(readFileSync("/proc/self/status", "latin1"));
  return line === null ? 0o777 : Number.parseInt(line[1]!, 8);
}
