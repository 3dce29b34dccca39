#!/usr/bin/env bash
# Boots guests under QEMU's emulation, the agent as PID 1, and runs the tests of test/guest/ in and against them.
# usage: test/guest.sh [--arch x86_64|aarch64] [--prepare|--list] [FILE...]
#        test/guest.sh [--prepare] whole
#
#   --arch ARCH   the guest's architecture; x86_64 when absent
#   --prepare     only make what the tests need: packages, kernel, binaries, images
#   --list        only say which test files are for the architecture
#   FILE          the name of a test file without .test.ts, such as boot; all of the architecture when absent, but whole
#   whole         images in which envd is this agent, booted and used as the hosts of envd do; x86_64
#
# As root on Debian it installs missing packages; otherwise it says what to install. The kernel is Debian's cloud
# kernel, fetched and unpacked into build/guest/ but not installed. The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")/.."

arch=x86_64
only=
files=()

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' test/guest.sh; }
say() { printf '%s\n' "$*" >&2; }
die() { say "test/guest.sh: $*"; exit 1; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --arch) [ $# -gt 1 ] || die "--arch: which one?"; arch=$2; shift ;;
    --prepare | --list) only=$1 ;;
    -*) usage >&2; die "no such option: $1" ;;
    *) files+=("$1") ;;
  esac
  shift
done
case $arch in
  x86_64) debian=amd64 ;;
  aarch64) debian=arm64 ;;
  *) die "no architecture $arch; choose x86_64 or aarch64" ;;
esac
directory=build/guest/$arch

# --- the kernel -----------------------------------------------------------------------------------------------------

# What a guest of these tests may load.
modules="vsock vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport vsock_loopback
  virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_mmio
  failover net_failover virtio_net virtio_blk virtio-rng"

apt() { apt-get -q -o APT::Sandbox::User=root "$@"; }

# The package that a package of Debian's is an alias of: its first dependency.
first_dependency() { apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Depends: \([^ ,]*\).*/\1/p'; }

# Foreign packages are named with their architecture.
foreign() { [ "$(dpkg --print-architecture)" = "$1" ] || echo ":$1"; }

# fetch_kernel INTO: downloads the kernel's package and unpacks it. Fails where apt does not know it or has it no more.
fetch_kernel() {
  local package scratch
  package=$(first_dependency "linux-image-cloud-$debian$(foreign "$debian")")
  [ -n "$package" ] || return 1
  say "fetching $package"
  scratch=$(mktemp -d)
  if (cd "$scratch" && apt download "$package$(foreign "$debian")" >&2); then
    dpkg -x "$scratch"/*.deb "$1"
    rm -r "$scratch"
  else
    rm -r "$scratch"
    return 1
  fi
}

# Puts vmlinuz, release, and modules/ with a list of its files into the directory.
prepare_kernel() {
  [ ! -e "$directory/modules/list" ] || return 0
  local unpacked tree name found
  unpacked=$(mktemp -d)
  if ! fetch_kernel "$unpacked"; then
    [ "$(id -u)" = 0 ] || die "apt does not have the kernel that it lists; as root run: apt-get update"
    apt update >&2
    fetch_kernel "$unpacked" || die "cannot fetch linux-image-cloud-$debian"
  fi
  tree=$(echo "$unpacked"/lib/modules/*)
  rm -rf "$directory/modules"
  mkdir -p "$directory/modules"
  cp "$unpacked"/boot/vmlinuz-* "$directory/vmlinuz"
  basename "$tree" >"$directory/release"
  for name in $modules; do
    found=$(cd "$tree" && find kernel -name "$name.ko")
    [ -n "$found" ] || die "the kernel has no module $name"
    mkdir -p "$directory/modules/$(dirname "$found")"
    cp "$tree/$found" "$directory/modules/$found"
  done
  # The list last: it says that all is there.
  (cd "$directory/modules" && find kernel -name '*.ko' | LC_ALL=C sort) >"$directory/list"
  mv "$directory/list" "$directory/modules/list"
  rm -r "$unpacked"
}

# --- what goes into the guests --------------------------------------------------------------------------------------

prepare() {
  ./build.sh guest-deps "$arch" "suite-$arch"
  mkdir -p "$directory"
  prepare_kernel
  ./images/build.sh agent "$arch" "$directory" >&2
  ./images/build.sh busybox "$arch" "$directory" >&2
  # A shell by itself, to lay over an image without one.
  gzip -dc "$directory/busybox-$arch.cpio.gz" | cpio --quiet -i --to-stdout bin/busybox >"$directory/sh"
}

# The images of whole guests. What differs from one build of Debian to the next is the agent alone: it is put into the
# image that is there.
prepare_whole() {
  ./images/build.sh busybox x86_64 "$directory/wrenn" --profile wrenn --size 64 >&2
  local image=$directory/debian/debian-x86_64.ext4
  if [ -e "$image" ]; then
    ./images/bake.sh "$image" --profile e2b >&2
  else
    ./images/build.sh debian x86_64 "$directory/debian" --profile e2b --size 640 >&2
  fi
}

# Where the machine makes no difference to the agent, one architecture's word is enough.
test_files() {
  if [ "${files[*]-}" = whole ]; then
    printf './%s\n' test/guest/whole/*.test.ts
  elif [ ${#files[@]} != 0 ]; then
    printf './test/guest/%s.test.ts\n' "${files[@]}"
  elif [ "$arch" = x86_64 ]; then
    printf './%s\n' test/guest/*.test.ts
  else
    echo ./test/guest/smolvm.test.ts
  fi
}

if [ "$only" = --list ]; then
  test_files
  exit 0
fi
prepare
[ "${files[*]-}" != whole ] || prepare_whole
[ "$only" != --prepare ] || exit 0

results=$(mktemp -d "${TMPDIR:-/tmp}/mote-results-XXXXXX")
trap 'rm -rf "$results"' EXIT
code=0
# shellcheck disable=SC2046
MOTE_HOST=$arch timeout --kill-after=10 900 node_modules/.bin/bun test --only-failures --reporter=junit \
  --reporter-outfile="$results/guest@$arch.xml" $(test_files) || code=$?
echo "$code" >"$results/guest@$arch.status"
node_modules/.bin/bun test/report.ts "$results"
