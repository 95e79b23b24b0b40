#!/bin/bash
# Makes streams.json: small streams by the real `btrfs send`, with what `btrfs receive --dump` says of them. Needs root.
# Usage: make-streams.sh > streams.json
set -e
work=$(mktemp -d /var/tmp/regrow-streams-XXXXXX)
trap 'cd /; umount "$work/m"; rm -rf "$work"' EXIT
truncate -s 256M "$work/image"
mkfs.btrfs -q "$work/image" >&2
mkdir "$work/m"
mount -o loop,compress-force=zstd "$work/image" "$work/m"
cd "$work/m"
{
  btrfs subvolume create s
  mkdir -p s/folder/inner s/gone s/swap1 s/swap2
  echo one > s/folder/inner/file; echo two > s/gone/file; echo three > s/swap1/x
  yes compressed | head -c 6000 > s/packed
  ln s/folder/inner/file s/hard; ln -s nowhere s/link; mkfifo s/fifo; mknod s/device c 300 70000
  touch -d '1960-01-02 03:04:05.678901234Z' s/old
  printf 'x' > "s/$(printf 'new\nline\377')"
  setfattr -n user.note -v hello s/folder 
  btrfs subvolume snapshot -r s a
  mv s/swap1 s/t; mv s/swap2 s/swap1; mv s/t s/swap2
  mv s/folder s/moved; echo more >> s/hard; rm -r s/gone; echo file > s/gone
  chmod 600 s/old; chown -h 1:2 s/link; chattr +C s/moved; setfattr -x user.note s/moved
  fallocate -p -o 0 -l 4096 s/packed; truncate -s 5000 s/packed
  btrfs subvolume snapshot -r s b
  btrfs subvolume create packed
  for kind in zlib zstd lzo; do
    sync
    mount -o remount,compress-force=$kind "$work/m"
    { seq 2500; yes $kind | head -c 6000; } > packed/$kind
  done
  sync
  btrfs property set packed ro true
} >&2
emit() {
  name=$1; shift
  btrfs send -q "$@" > "$work/stream"
  base64 -w 0 "$work/stream" > "$work/base64"
  # Paths as btrfs-progs escapes them.
  btrfs receive --dump -f "$work/stream" > "$work/dump"
  python3 -c 'import json,sys; print(json.dumps({"name": sys.argv[1], "base64": open(sys.argv[2]).read(), "dump": open(sys.argv[3], encoding="latin1").read().splitlines()}), end="")' "$name" "$work/base64" "$work/dump"
}
echo -n '['
emit 'full' a; echo ,
emit 'incremental' -p a b; echo ,
emit 'full, version 2' --proto 2 a; echo ,
emit 'compressed' --compressed-data a; echo ,
emit 'all kinds of compression' --compressed-data packed; echo ,
emit 'no data' --no-data --proto 2 -p a b; echo ,
emit 'two' a b; echo ,
emit 'two without end' -e a b
echo ']'
