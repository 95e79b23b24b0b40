#!/bin/sh
# Prints objects.json: every object of a small archive repository made by ostree, and its summary, as hex.
# Needs ostree (2022.7 here), setfattr and xxd. Run as: sh make-objects.sh >objects.json
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export TZ=UTC
umask 022
mkdir -p tree/sub tree/empty
printf 'hello\n' >tree/hello
: >tree/nothing
ln -s ../hello tree/sub/link
chmod 4755 tree/hello
chmod 0700 tree/sub
setfattr -n user.b -v two tree/nothing
setfattr -n user.a -v one tree/nothing
for number in 1 2 3 4 5 6 7 8 9 10; do printf $number >"tree/sub/$number"; done
ostree init --repo=repo --mode=archive
commit="ostree commit --repo=repo -b main --owner-uid=1000 --owner-gid=2"
$commit -s Subject -m Body --timestamp=2001-02-03T04:05:06Z --add-metadata-string=version=1.2 \
  --add-metadata='k=@(is) (5,"x")' tree >/dev/null
$commit --timestamp=2001-02-03T04:05:07Z --add-detached-metadata-string=d=e tree >/dev/null
ostree summary -u --repo=repo
hex() { xxd -p "$1" | tr -d '\n'; }
echo '['
for file in repo/objects/*/*; do
  name=$(echo "$file" | cut -d/ -f3- | tr -d /)
  echo "  {\"kind\": \"${name#*.}\", \"checksum\": \"${name%.*}\", \"hex\": \"$(hex "$file")\"},"
done
echo "  {\"kind\": \"summary\", \"checksum\": \"\", \"hex\": \"$(hex repo/summary)\"}"
echo ']'
