/**
 * The marker: a service that a test puts into a tree, so that the system which boots from it says over the serial console which
 * tree it is, then powers off. What it says can't come from anywhere else: a nonce of the test, the UUID of the root file
 * system, and a checksum of the root's tree that the guest computes itself.
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../src/sys/run-program.ts";
import type { Guest, Wait } from "./vm.ts";

export interface Marker {
  readonly nonce: string;
  readonly rootUuid: string;
  /** The subvolume that is mounted as root, such as `/@rootfs`. */
  readonly rootFolder: string;
  /** As `treeChecksum` gives it. */
  readonly tree: string;
}

/** What a guest says that will not come to its marker. */
export const BOOT_FAILURE =
  /Kernel panic - not syncing|\(initramfs\)|Gave up waiting for root|You are in emergency mode|BdsDxe: No bootable option/;

// What a system changes by itself while it boots.
const VOLATILE = ["etc/machine-id", "tmp", "var/lib/dbus/machine-id", "var/lib/systemd", "var/log", "var/tmp"];

/** Puts the service into the tree at `folder`. */
export function injectMarker(folder: string, nonce: string): void {
  const units = join(folder, "etc/systemd/system");
  mkdirSync(join(units, "multi-user.target.wants"), { recursive: true });
  mkdirSync(join(folder, "usr/local/sbin"), { recursive: true });
  writeFileSync(join(units, "regrow-marker.service"), UNIT);
  symlinkSync("/etc/systemd/system/regrow-marker.service", join(units, "multi-user.target.wants/regrow-marker.service"));
  writeFileSync(join(folder, "usr/local/sbin/regrow-marker"), script(nonce));
  chmodSync(join(folder, "usr/local/sbin/regrow-marker"), 0o755);
}

/** Waits for what the guest says of itself. Throws as soon as it says that it can't boot. */
export async function readMarker(guest: Guest, wait: Wait): Promise<Marker> {
  const line = /REGROW-MARKER nonce=(\S*) uuid=(\S*) folder=(\S*) tree=(\S*) END/;
  const [, nonce, rootUuid, rootFolder, tree] = await guest.waitFor(line, { unless: BOOT_FAILURE, ...wait });
  return { nonce: nonce!, rootUuid: rootUuid!, rootFolder: rootFolder!, tree: tree! };
}

/**
 * A checksum over the names, types, modes, owners, sizes, link targets and contents of the tree at `folder`, but what is volatile.
 * Computed by the very pipeline that the guest runs.
 */
export async function treeChecksum(folder: string): Promise<string> {
  const { stdout } = await runProgram({ program: "sh", args: ["-euc", PIPELINE, "sh", folder], effect: "read" });
  return stdout.toString("utf8").trim();
}

const PRUNE = VOLATILE.map((path) => `-path ./${path}`).join(" -o ");

const PIPELINE = `
export LC_ALL=C
cd "$1"
{
  find . -xdev \\( ${PRUNE} \\) -prune -o \\
    \\( -type f -printf '%p f %m %U %G %s\\n' -o -type l -printf '%p l %U %G %l\\n' -o -printf '%p %y %m %U %G\\n' \\) | sort
  find . -xdev \\( ${PRUNE} \\) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
} | sha256sum | cut -d ' ' -f 1`;

// A bind mount shows the root file system alone, with the folders that other file systems are mounted over.
function script(nonce: string): string {
  return `#!/bin/sh
set -eu
mkdir -p /run/regrow-root
mount --bind / /run/regrow-root
checksum() {${PIPELINE}
}
tree=$(checksum /run/regrow-root)
# The kernel's own messages would get in between.
dmesg -n 1
echo "REGROW-MARKER nonce=${nonce} uuid=$(findmnt -no UUID /) folder=$(findmnt -no FSROOT /) tree=$tree END" > /dev/ttyS0
umount /run/regrow-root
systemctl poweroff --no-block
`;
}

const UNIT = `[Unit]
Description=Says over the serial console which tree this is
After=basic.target
# A login prompt hangs the line up when it begins, and what is being written then is lost.
Before=getty.target serial-getty@ttyS0.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/regrow-marker
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;
