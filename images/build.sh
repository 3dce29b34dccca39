#!/usr/bin/env bash
# Makes guest images with the agent in them. images/README.md has the details.
set -euo pipefail
shopt -s inherit_errexit
IMAGES=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
for part in common elf root root-directory agent initramfs ext4 python; do . "$IMAGES/lib/$part.sh"; done
# shellcheck source=/dev/null
for part in agent busybox debian; do . "$IMAGES/flavours/$part.sh"; done

usage() {
  cat <<'END'
usage: images/build.sh FLAVOUR [ARCH] [OUT] [OPTION...]

  FLAVOUR   agent     the agent alone                  agent-ARCH.cpio.gz
            busybox   and busybox with all its names   busybox-ARCH.cpio.gz, busybox-ARCH.ext4
            debian    Debian, sudo, curl, git          debian-ARCH.ext4
  ARCH      x86_64 (amd64) or aarch64 (arm64); by default this machine's
  OUT       a directory, by default dist/images

  --profile PROFILE   smolvm (the default), wrenn, e2b or generic: the names by which hosts start the agent
  --binary FILE       the agent; by default dist/mote-ARCH, which is built when it is missing
  --size MIB          of an ext4 image (sparse); by default busybox 16, debian 2048
  --systemd           debian: systemd is PID 1, the agent its unit; makes debian-systemd-ARCH.ext4
  --mirror URL        debian: where packages come from, such as a snapshot of one day

The same sources give the same bytes. SOURCE_DATE_EPOCH sets the time that all files have.
END
}

# shellcheck disable=SC2034 # the flavours read them
words=() PROFILE=smolvm BINARY="" SIZE="" SYSTEMD="" MIRROR=""
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --systemd) SYSTEMD=yes ;;
    --profile | --binary | --size | --mirror)
      [ $# -ge 2 ] || die "$1 needs a value"
      name=${1#--}
      declare "${name^^}=$2"
      shift
      ;;
    -*) usage >&2; die "$1: no such option" ;;
    *) words+=("$1") ;;
  esac
  shift
done
if [ ${#words[@]} -lt 1 ] || [ ${#words[@]} -gt 3 ]; then
  usage >&2
  die "which flavour?"
fi
flavour=${words[0]}
case $flavour in agent | busybox | debian) ;; *) usage >&2; die "$flavour: no such flavour" ;; esac
arch=$(arch_name "${words[1]:-$(uname -m)}")
out=${words[2]:-$(dirname "$IMAGES")/dist/images}
case $SIZE in *[!0-9]*) die "--size $SIZE: a number of MiB" ;; esac
[ -z "$SYSTEMD" ] || [ "$flavour" = debian ] || die "--systemd is for the flavour debian"
profile_names "$PROFILE" >/dev/null

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT

if [ -z "$BINARY" ]; then
  BINARY=$(dirname "$IMAGES")/dist/mote-$arch
  [ -f "$BINARY" ] || "$(dirname "$IMAGES")/build.sh" "$arch" >&2
fi
check_agent "$BINARY" "$arch"

tree=$SCRATCH/tree
mkdir "$tree"
"stage_$flavour" "$tree" "$arch"
root_open "$tree"
put_agent "$BINARY" "$PROFILE"

name=$flavour${SYSTEMD:+-systemd}-$arch
mkdir -p "$out"

# report FILE: its size and sum.
report() {
  local size sum
  size=$(stat -c %s "$1")
  case $1 in *.ext4) size="$size bytes, $(du -k "$1" | cut -f 1) kB of them in use" ;; *) size="$size bytes" ;; esac
  sum=$(sha256sum <"$1")
  printf '%s: %s\n  sha256 %s\n' "$1" "$size" "${sum%% *}"
}

pack_initramfs() {
  make_initramfs "$tree" "$out/$name.cpio.gz.new"
  mv "$out/$name.cpio.gz.new" "$out/$name.cpio.gz"
  report "$out/$name.cpio.gz"
}

# pack_ext4 MIB OWNER
pack_ext4() {
  need_program mke2fs e2fsprogs
  make_ext4 "$tree" "$out/$name.ext4.new" "${SIZE:-$1}" "$name" "$2"
  mv "$out/$name.ext4.new" "$out/$name.ext4"
  report "$out/$name.ext4"
}

packages=$SCRATCH/status
case $flavour in
  agent) pack_initramfs ;;
  busybox) pack_initramfs; pack_ext4 16 root ;;
  debian)
    pack_ext4 2048 tree
    packages=$tree/var/lib/dpkg/status
    ;;
esac
echo "  an agent in Python would add $(python_cost "$arch" "$packages")"
