#!/usr/bin/env bash
# Has the kernel run aarch64 programs through qemu: an agent that starts itself again does so by execve, which an
# emulator in user space does not see. Does nothing where that is set up already. Root.
set -euo pipefail
[ "$(uname -m)" = aarch64 ] && exit 0
registry=/proc/sys/fs/binfmt_misc
[ -e $registry/register ] || mount -t binfmt_misc binfmt_misc $registry
grep -qs '^enabled' $registry/qemu-aarch64 && exit 0
# An ELF file, 64 bits, little endian, executable, for machine 183; F: the interpreter is opened now, for all namespaces.
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf ':qemu-aarch64:M::%s:%s:%s:F' "$magic" "$mask" "$(command -v qemu-aarch64-static)" >$registry/register
