/** Others beside us, for orientation: each backs the same tree up, or copies it. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { type Sample, measure } from "./measure.ts";
import type { Place } from "./cases.ts";

export interface Orientation {
  readonly name: string;
  readonly samples: readonly Sample[];
}

const SECRET = { BORG_PASSPHRASE: "x", RESTIC_PASSWORD: "x", BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes" };

export function measureOthers({ folder, tree }: Place, runs: number): Orientation[] {
  const at = (name: string): string => path.join(folder, name);
  const env = { ...SECRET, BORG_BASE_DIR: at("borg-home"), RESTIC_CACHE_DIR: at("restic-cache") };
  const repeat = (work: (run: number) => Sample): Sample[] => Array.from({ length: runs }, (_, run) => work(run));
  const results: Orientation[] = [
    { name: "cp -a", samples: repeat((run) => measure({ program: "cp", args: ["-a", tree, at(`cp${run}`)] })) },
    {
      name: "tar to a pipe",
      samples: repeat(() => measure({ program: "sh", args: ["-c", `tar -C ${tree} -cf - . | cat >/dev/null`] })),
    },
  ];
  if (isThere("borg")) {
    const repository = (run: number): string => {
      spawnSync("borg", ["init", "-e", "none", at(`borg${run}`)], { env: { ...process.env, ...env } });
      return at(`borg${run}`);
    };
    results.push({
      name: "borg create, first",
      samples: repeat((run) => measure({ program: "borg", args: ["create", `${repository(run)}::a`, tree], env })),
    });
    results.push({
      name: "borg create, unchanged",
      samples: repeat((run) => measure({ program: "borg", args: ["create", `${at("borg0")}::b${run}`, tree], env })),
    });
  }
  if (isThere("restic")) {
    const repository = (run: number): string => {
      spawnSync("restic", ["init", "-r", at(`restic${run}`)], { env: { ...process.env, ...env } });
      return at(`restic${run}`);
    };
    results.push({
      name: "restic backup, first",
      samples: repeat((run) => measure({ program: "restic", args: ["-r", repository(run), "backup", tree], env })),
    });
    results.push({
      name: "restic backup, unchanged",
      samples: repeat(() => measure({ program: "restic", args: ["-r", at("restic0"), "backup", tree], env })),
    });
  }
  return results;
}

function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}
