/**
 * The story from end to end: a system is committed, changed as an administrator would, compared, brought back, judged by
 * rsync against a copy that was made beforehand, and, as root, made into a disk image that boots and says what it is.
 */
import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { debianTree } from "../support/debian-tree.ts";
import { startGuest } from "../support/vm.ts";
import { injectMarker, readMarker, treeChecksum } from "../support/vm-marker.ts";
import { shell, step, tell, tellTimes } from "./steps.ts";

const isRoot = process.geteuid!() === 0;
const program = path.resolve(import.meta.dirname, "../../dist/regrow");
const folder = mkdtempSync(path.join(tmpdir(), "regrow-demo-"));
const tree = path.join(folder, "system");
const nonce = randomUUID();
const closers: (() => Promise<void>)[] = [];

try {
  await run();
  tell("\nDone: everything came back as it was.");
} finally {
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  await step(
    isRoot ? "A real Debian system, made with mmdebstrap" : "This machine's /etc and /usr/share, as far as they can be read",
    makeTree,
  );
  process.env["REGROW_REPO"] = path.join(folder, "repo");
  const before = path.join(folder, "copy-made-beforehand");
  await step("A copy beforehand, for the judge", () =>
    shell("cp", ["-a", tree, before], { show: `cp -a system ${path.basename(before)}` }),
  );
  await step("Commit it", () => {
    regrow("init");
    regrow("commit", "-b", "main", "-m", "A fresh system", tree);
  });
  await step("Commit it again: nothing has changed", () => regrow("commit", "-b", "main", "--skip-if-unchanged", tree));
  await step("Change it, as an administrator would", change);
  await step("Commit the change", () => regrow("commit", "-b", "main", "-m", "Web server, and a mistake", tree));
  await step("See what changed", () => regrow("diff", "main^", "main"));
  const back = path.join(folder, "brought-back");
  await step("Bring the old version back", () => regrow("checkout", "main^", back));
  await step("Let another program judge it against the copy", () => judge(before, back));
  await step("Check the repository", () => regrow("fsck"));
  if (isRoot) await boot(before);
  tellTimes();
}

async function makeTree(): Promise<void> {
  if (!isRoot) {
    mkdirSync(tree);
    for (const source of ["/etc", "/usr/share"]) {
      // What this user may not read is left out: cp says so and goes on.
      spawnSync("cp", ["-a", "--no-preserve=ownership", source, tree], { stdio: "ignore" });
    }
    return;
  }
  await (await debianTree()).unpack(tree);
  injectMarker(tree, nonce);
}

function change(): void {
  const at = (name: string): string => path.join(tree, name);
  appendFileSync(at("etc/hosts"), "192.0.2.7 web\n");
  mkdirSync(at("etc/web"));
  writeFileSync(at("etc/web/server.conf"), "listen 80\nroot /srv/web\n", { mode: 0o640 });
  chmodSync(at("etc/hosts"), 0o600);
  if (existsSync(at("etc/fstab"))) renameSync(at("etc/fstab"), at("etc/fstab.old"));
  cpSync(at("etc/passwd"), at("etc/passwd.backup"), { preserveTimestamps: true });
  const victims = ["usr/share/doc/apt", "usr/share/doc/bash", "share/doc/apt", "share/doc/bash"].filter((name) =>
    existsSync(at(name)),
  );
  for (const name of victims) rmSync(at(name), { recursive: true });
  tell(`edited etc/hosts, made etc/web, moved etc/fstab, copied etc/passwd, removed ${victims.join(" and ") || "nothing"}`);
}

function judge(before: string, back: string): void {
  if (spawnSync("rsync", ["--version"]).status === 0) {
    // Who is not root can't give files away: owners are not compared then.
    const flags = isRoot ? "-aHAXn" : "-rlptHn";
    const options = [flags, "--delete", "--checksum", "--modify-window=-1", "-i"];
    const show = `rsync ${options.join(" ")} ${path.basename(before)}/ ${path.basename(back)}/`;
    const said = shell("rsync", [...options, `${before}/`, `${back}/`], { show });
    if (said !== "") throw new Error("rsync sees a difference.");
    tell("rsync has nothing to say: content, names, times, owners, permissions, links and attributes are the same.");
    return;
  }
  shell("diff", ["-r", "--no-dereference", before, back], {
    show: `diff -r --no-dereference ${path.basename(before)} ${path.basename(back)}`,
  });
  tell("diff -r finds no difference (rsync is not installed, so times were not compared).");
}

async function boot(before: string): Promise<void> {
  const image = path.join(folder, "disk.img");
  await step("Make a disk image of it", () =>
    regrow("install", "main^", "--image", image, "--size", "2G", "--karg", "console=ttyS0"),
  );
  const expected = await step("The checksum of the copy made beforehand, with the new disk's fstab", () => {
    const [esp, root] = fileSystemIds(image);
    const lines = `UUID=${root} / btrfs defaults,subvol=@rootfs 0 0\nUUID=${esp} /boot/efi vfat umask=0077 0 2\n`;
    appendFileSync(path.join(before, "etc/fstab"), lines);
    mkdirSync(path.join(before, "boot/efi"));
    return treeChecksum(before);
  });
  await step("Boot it in a virtual machine", async () => {
    const guest = await startGuest({ after: (close: () => Promise<void>) => closers.push(close) } as never, image);
    const marker = await readMarker(guest, { seconds: 300 });
    tell(`the guest says: nonce ${marker.nonce}, root ${marker.rootUuid}, tree ${marker.tree}`);
    if (marker.nonce !== nonce) throw new Error("The guest is not the one that was committed.");
    tell(`expected tree:  ${expected}`);
    if (marker.tree !== expected) throw new Error("The guest's tree is not the one that was committed.");
  });
}

/** As the standard programs read them from the image. */
function fileSystemIds(image: string): string[] {
  const { partitiontable } = JSON.parse(shell("sfdisk", ["--json", image], { quiet: true })) as {
    partitiontable: { partitions: { start: number }[] };
  };
  return partitiontable.partitions.map(({ start }) => {
    const args = ["-p", "-o", "value", "-s", "UUID", "--offset", String(start * 512), image];
    return shell("blkid", args, { quiet: true }).trim();
  });
}

function regrow(...args: string[]): string {
  return shell(program, args, {
    show: `regrow ${args.map((arg) => (arg.startsWith(folder) ? path.basename(arg) : arg)).join(" ")}`,
  });
}
