/** Two subvolumes change places on a btrfs of which the power is cut: always the one or the other, and after the sync the new one. */
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { syncFileSystem } from "../../src/sys/durable.ts";
import { exchangeAt } from "../../src/sys/names.ts";
import { O, closeFd, openAt } from "../../src/sys/open.ts";
import type { ByteString } from "../../src/base/byte-string.ts";
import { run } from "../support/programs.ts";
import { seed } from "../support/property.ts";
import { expectOldOrNew } from "../support/power-cut/report.ts";
import { cutStates, requiresPowerCutRig, withPowerCutRig } from "../support/power-cut/rig.ts";

test("an exchange of two subvolumes is whole after a power cut", async (t) => {
  if (!requiresPowerCutRig(t, "btrfs")) return;
  const report = await withPowerCutRig({
    fileSystem: "btrfs",
    megabytes: 256,
    states: cutStates(40),
    seed,
    prepare: async ({ path }) => {
      for (const name of ["current", "next"]) {
        run("btrfs", ["subvolume", "create", `${path}/${name}`]);
        for (let file = 0; file < 50; file++) writeFileSync(`${path}/${name}/file-${file}`, `${name} ${file}\n`.repeat(200));
      }
    },
    operation: async ({ path }) => exchange(path),
    judge: async ({ path, mount }) => {
      const [current, next] = ["current", "next"].map((name) => mount(`subvol=${name}`)) as [string, string];
      const isOld = wholeSubvolume(current) === "current";
      if (isOld !== (wholeSubvolume(next) === "next")) throw new Error("both names are of one subvolume");
      // What was cut can be done, or undone.
      exchange(path);
      if ((wholeSubvolume(`${path}/current`) === "current") === isOld) throw new Error("the next exchange did nothing");
      return isOld ? "old" : "new";
    },
  });
  expectOldOrNew(t, "exchange of subvolumes", report);
});

function exchange(folder: string): void {
  const fd = openAt(-100, folder as ByteString, O.RDONLY | O.DIRECTORY);
  try {
    exchangeAt(fd, "current", fd, "next");
    syncFileSystem(fd);
  } finally {
    closeFd(fd);
  }
}

/** Which of the two it was made as. Throws where a file is missing or another one's. */
function wholeSubvolume(folder: string): string {
  const name = readFileSync(`${folder}/file-0`, "utf8").split(" ")[0]!;
  for (let file = 0; file < 50; file++) {
    if (readFileSync(`${folder}/file-${file}`, "utf8") !== `${name} ${file}\n`.repeat(200)) throw new Error(`${folder}: torn`);
  }
  return name;
}
