/**
 * The Debian packages that the tests use, each with the programs (by name) and files (by path) that tests ask for. The tests
 * say what they lack in these words; `npm test` as root on Debian installs what is missing.
 */
export const PACKAGES = {
  acl: ["getfacl", "setfacl"],
  attr: ["getfattr", "setfattr"],
  bash: ["bash"],
  bsdextrautils: ["hexdump"],
  "btrfs-progs": ["btrfs", "mkfs.btrfs"],
  busybox: ["busybox"],
  bzip2: ["bzip2"],
  cpio: ["cpio"],
  dash: ["dash"],
  diffutils: ["diff"],
  dosfstools: ["mkfs.vfat", "fsck.vfat"],
  dpkg: ["dpkg", "dpkg-query"],
  e2fsprogs: ["mkfs.ext4", "chattr", "lsattr", "debugfs", "e2fsck", "filefrag"],
  fdisk: ["sfdisk", "fdisk"],
  fish: ["fish"],
  gdisk: ["sgdisk"],
  "grub-common": ["grub-mkimage", "grub-script-check", "grub-editenv"],
  "grub-efi-amd64-bin": ["/usr/lib/grub/x86_64-efi/btrfs.mod"],
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
  "qemu-system-common": ["qemu-storage-daemon"],
  "qemu-system-x86": ["qemu-system-x86_64"],
  "qemu-user-static": ["qemu-aarch64-static"],
  "qemu-utils": ["qemu-img", "qemu-nbd"],
  rpm: ["rpm", "rpmbuild"],
  rsync: ["rsync"],
  shellcheck: ["shellcheck"],
  "squashfs-tools": ["mksquashfs", "unsquashfs"],
  "systemd-boot-efi": ["/usr/lib/systemd/boot/efi/systemd-bootx64.efi"],
  tar: ["tar"],
  time: ["/usr/bin/time"],
  "util-linux": ["fallocate", "mkswap", "setpriv", "unshare", "nsenter", "blkid", "lsblk", "findmnt"],
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
