#!/usr/bin/env bash
# Puts the agent into an existing root file system. images/README.md has the details.
set -euo pipefail
shopt -s inherit_errexit
IMAGES=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
for part in common elf root root-directory root-ext4 agent; do . "$IMAGES/lib/$part.sh"; done

usage() {
  cat <<'END'
usage: images/bake.sh ROOT [--profile PROFILE] [--arch ARCH] [--binary FILE]

Puts the agent, the names that hosts start it by and, where the root has systemd or OpenRC, a service into ROOT: a
directory, or an ext2, ext3 or ext4 image (which is not mounted; root is not needed). Doing it twice changes nothing.

  --profile PROFILE   the hosts that the root is for: smolvm (the default), wrenn, e2b or generic
  --arch ARCH         x86_64 (amd64) or aarch64 (arm64), for a root without a /bin/sh to tell it by
  --binary FILE       the agent; by default dist/mote-ARCH, and FILE.sha256 must match where it exists
END
}

root="" profile=smolvm arch="" binary=""
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --profile | --arch | --binary)
      [ $# -ge 2 ] || die "$1 needs a value"
      declare "${1#--}=$2"
      shift
      ;;
    -*) usage >&2; die "$1: no such option" ;;
    *)
      [ -z "$root" ] || die "one root at a time: $1"
      root=$1
      ;;
  esac
  shift
done
[ -n "$root" ] || { usage >&2; die "which root?"; }
profile_names "$profile" >/dev/null
[ -z "$arch" ] || arch=$(arch_name "$arch")

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT

root_open "$root"
found=$(root_arch)
[ -n "$found" ] || [ -n "$arch" ] || die "$root has no /bin/sh to tell its architecture by: give --arch"
[ -z "$arch" ] || [ -z "$found" ] || [ "$arch" = "$found" ] || die "$root is $found, not $arch"
arch=${found:-$arch}

if [ -z "$binary" ]; then
  binary=$(dirname "$IMAGES")/dist/mote-$arch
  [ -f "$binary" ] || die "$binary is missing: run ./build.sh $arch"
fi
check_agent "$binary" "$arch"

say "$root: the agent for $arch, profile $profile"
put_agent "$binary" "$profile"
put_console
root_do check
