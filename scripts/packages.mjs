/**
 * The Debian packages that the tests use, each with the programs (by name) and files (by path) that tests ask for. The tests
 * say what they lack in these words; `npm test` as root on Debian installs what is missing.
 */
export const PACKAGES = {
  acl: ["getfacl", "setfacl"],
  attr: ["getfattr", "setfattr"],
  bsdextrautils: ["hexdump"],
  "btrfs-progs": ["btrfs", "mkfs.btrfs"],
  bzip2: ["bzip2"],
  diffutils: ["diff"],
  dosfstools: ["mkfs.vfat", "fsck.vfat"],
  e2fsprogs: ["mkfs.ext4", "chattr", "lsattr", "debugfs", "e2fsck"],
  fdisk: ["sfdisk", "fdisk"],
  fish: ["fish"],
  gdisk: ["sgdisk"],
  git: ["git"],
  gzip: ["gzip"],
  "libarchive-tools": ["bsdtar"],
  libdeflate0: ["/usr/lib/x86_64-linux-gnu/libdeflate.so.0", "/usr/lib/aarch64-linux-gnu/libdeflate.so.0"],
  "libcap2-bin": ["setcap", "getcap"],
  mmdebstrap: ["mmdebstrap"],
  mount: ["losetup", "mount", "umount"],
  mtools: ["mcopy", "mdir", "mformat", "mmd", "mtype"],
  ostree: ["ostree"],
  ovmf: ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
  "pacman-package-manager": ["pacman"],
  patch: ["patch"],
  python3: ["python3"],
  "python3-gi": ["/usr/lib/python3/dist-packages/gi/__init__.py"],
  "qemu-system-x86": ["qemu-system-x86_64"],
  "qemu-utils": ["qemu-img", "qemu-nbd"],
  rpm: ["rpm", "rpmbuild"],
  rsync: ["rsync"],
  "squashfs-tools": ["mksquashfs", "unsquashfs"],
  "systemd-boot-efi": ["/usr/lib/systemd/boot/efi/systemd-bootx64.efi"],
  tar: ["tar"],
  time: ["/usr/bin/time"],
  "util-linux": ["fallocate", "setpriv", "unshare", "nsenter", "blkid", "lsblk", "findmnt"],
  xfsprogs: ["mkfs.xfs", "xfs_io"],
  "xz-utils": ["xz"],
  zsh: ["zsh"],
  zstd: ["zstd"],
};

const packageOf = new Map(Object.entries(PACKAGES).flatMap(([name, has]) => has.map((item) => [item, name])));

/** The package that has this program or file, or undefined where the table doesn't know it. */
export function debianPackage(programOrFile) {
  return packageOf.get(programOrFile);
}
