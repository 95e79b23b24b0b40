/**
 * The guest script: a service that says over the serial console which root this is, then does what the test wants. Made for roots that
 * are switched: each root has a marker of its own in /etc/regrow-marker.
 */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Guest, Wait } from "./vm.ts";
import { BOOT_FAILURE } from "./vm-marker.ts";

export interface GuestWords {
  /** The content of /etc/regrow-marker. */
  readonly marker: string;
  /** The subvolume that is mounted as root, such as `/@rootfs`. */
  readonly rootFolder: string;
  readonly kernel: string;
}

export const POWER_OFF = "systemctl poweroff --no-block";
export const REBOOT = "systemctl reboot --no-block";

/**
 * Puts the service into the root at `folder`. `commands` are a shell's, run after the words were said with the top level of the file system
 * mounted at /mnt. They end with how the guest ends, such as `POWER_OFF`.
 */
export function putGuestScript(folder: string, commands: string): void {
  const units = join(folder, "etc/systemd/system");
  const wants = join(units, "multi-user.target.wants");
  mkdirSync(wants, { recursive: true });
  mkdirSync(join(folder, "usr/local/sbin"), { recursive: true });
  writeFileSync(join(units, "regrow-guest.service"), UNIT);
  rmSync(join(wants, "regrow-guest.service"), { force: true });
  symlinkSync("/etc/systemd/system/regrow-guest.service", join(wants, "regrow-guest.service"));
  writeFileSync(join(folder, "usr/local/sbin/regrow-guest"), `${SCRIPT}${commands}\n`);
  chmodSync(join(folder, "usr/local/sbin/regrow-guest"), 0o755);
}

export function putMarker(folder: string, marker: string): void {
  writeFileSync(join(folder, "etc/regrow-marker"), `${marker}\n`);
}

/** Waits for what the guest says of itself. Throws as soon as it says that it can't boot. */
export async function readGuestWords(guest: Guest, wait: Wait): Promise<GuestWords> {
  const line = /REGROW-GUEST marker=(\S*) folder=(\S*) kernel=(\S*) END/;
  const [, marker, rootFolder, kernel] = await guest.waitFor(line, { unless: BOOT_FAILURE, ...wait });
  return { marker: marker!, rootFolder: rootFolder!, kernel: kernel! };
}

const SCRIPT = `#!/bin/sh
set -eu
# The kernel's own messages would get in between.
dmesg -n 1
marker=$(cat /etc/regrow-marker 2>/dev/null || echo none)
echo "REGROW-GUEST marker=$marker folder=$(findmnt -no FSROOT /) kernel=$(uname -r) END" > /dev/ttyS0
mount -o subvolid=5 "$(findmnt -nvo SOURCE /)" /mnt
`;

const UNIT = `[Unit]
Description=Says over the serial console which root this is
After=basic.target
# A login prompt hangs the line up when it begins, and what is being written then is lost.
Before=getty.target serial-getty@ttyS0.service

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/regrow-guest
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;
