/** The unit that mounts @regrow: a unit and not a line of fstab, so that a rollback of /etc can't lose what a person wrote there. */

export const MOUNT_UNIT = String.raw`etc/systemd/system/\x2eregrow.mount`;
export const MOUNT_UNIT_LINK = String.raw`etc/systemd/system/local-fs.target.wants/\x2eregrow.mount`;
export const MOUNT_UNIT_TARGET = String.raw`../\x2eregrow.mount`;

/** `uuid`: of the file system. */
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
