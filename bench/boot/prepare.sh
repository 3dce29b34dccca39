#!/usr/bin/env bash
# Makes what the boot benchmark boots, in build/bench/boot: C programs, and images beside those of test/guest.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
# debugfs is not on every user's path.
PATH=$PATH:/usr/sbin:/sbin

out=build/bench/boot
kept=build/guest/x86_64
mkdir -p $out
test/guest.sh --prepare
for program in init probe tell; do
  musl-gcc -Os -static -s -Wall -Wextra -o "$out/$program" "bench/boot/$program.c"
done

# busybox without the agent, packed as images/build.sh packs.
bare() {
  local tree
  tree=$(mktemp -d)
  gzip -dc $kept/busybox-x86_64.cpio.gz | (cd "$tree" && cpio --quiet -id --no-preserve-owner)
  rm "$tree/init" "$tree/sbin/init" "$tree"/usr/local/bin/*
  (cd "$tree" && find . | sort | cpio --quiet -o -H newc) | gzip -n -9 >$out/bare.cpio.gz
  rm -r "$tree"
}

# Debian with systemd: once, as it takes minutes, and the agent in it anew each time.
debian() {
  local image=$out/debian-systemd-x86_64.ext4 unit=/etc/systemd/system/mote.service.d drop_in
  [ -e $image ] || images/build.sh debian x86_64 $out --systemd
  images/bake.sh $image --profile smolvm
  # debugfs would make a directory a second time.
  ! debugfs -R "stat $unit/listen.conf" $image 2>&1 | grep -q 'Type: regular' || return 0
  drop_in=$(mktemp)
  printf '%s\n' '[Service]' ExecStart= "ExecStart=/usr/local/bin/smolvm-guest-agent --listen tcp:0.0.0.0:7000" >"$drop_in"
  printf '%s\n' "mkdir $unit" "write $drop_in $unit/listen.conf" | debugfs -w -f - $image >/dev/null 2>&1
  rm "$drop_in"
}

bare
debian
