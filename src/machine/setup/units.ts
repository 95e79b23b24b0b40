/** The units of a machine: what mounts @regrow, and what finishes a switch after the start. */

export const MOUNT_UNIT = String.raw`etc/systemd/system/\x2eregrow.mount`;
export const MOUNT_UNIT_LINK = String.raw`etc/systemd/system/local-fs.target.wants/\x2eregrow.mount`;
export const MOUNT_UNIT_TARGET = String.raw`../\x2eregrow.mount`;

export const SETTLE_UNIT = "etc/systemd/system/regrow-settle.service";
export const SETTLE_UNIT_LINK = "etc/systemd/system/multi-user.target.wants/regrow-settle.service";
export const SETTLE_UNIT_TARGET = "../regrow-settle.service";

/** A unit and not a line of fstab, so that a rollback of /etc can't lose what a person wrote there. `uuid`: of the file system. */
export function mountUnit(uuid: string): string {
  return `[Unit]
Description=The history that regrow keeps of this machine

[Mount]
What=/dev/disk/by-uuid/${uuid}
Where=/.regrow
Type=btrfs
Options=subvol=/@regrow,nosuid,nodev,noatime,nofail
DirectoryMode=0700

[Install]
WantedBy=local-fs.target
`;
}

/** Where a switch has left work for the started system (boot class b), the same as the next command would do. */
export function settleUnit(): string {
  return `[Unit]
Description=Finish what a switch of the system has begun
ConditionPathExists=/.regrow/policy/settle
RequiresMountsFor=/.regrow /boot

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'program=/.regrow/bin/regrow; if [ ! -x "$program" ]; then program=regrow; fi; exec "$program" undo --list'
StandardOutput=null
Nice=10

[Install]
WantedBy=multi-user.target
`;
}
