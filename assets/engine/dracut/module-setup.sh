#!/bin/bash
# A dracut module that puts regrow's engine into the initramfs.

check() {
  require_binaries btrfs mount umount mkdir rmdir mv dd || return 1
  [[ -x ${dracutsysrootdir:-}/usr/lib/regrow/regrow-engine ]] || return 1
  return 0
}

depends() {
  echo btrfs
}

install() {
  inst_multiple btrfs mount umount mkdir rmdir mv dd
  inst_multiple /usr/lib/regrow/regrow-engine /usr/lib/regrow/regrow-exchange
  inst_hook pre-mount 50 "${moddir:?}/regrow-pre-mount.sh"
}
