#!/bin/sh
# Read by dracut's shell before it mounts the root, whose device it has in $root, such as block:/dev/disk/by-uuid/….
case ${root:-} in
  block:/*) /usr/lib/regrow/regrow-engine initramfs "${root#block:}" || : ;;
  *) /usr/lib/regrow/regrow-engine initramfs || : ;;
esac
