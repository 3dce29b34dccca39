# shellcheck shell=bash
# What both scripts and every file of lib/ use: messages, packages, the names of architectures.

# Owners, modes and orders must not depend on who builds, nor where.
umask 022
export LC_ALL=C
# mke2fs, debugfs and e2fsck are not on every user's path.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# The time that every file of an image carries, in seconds since 1970: the same for all builds.
# shellcheck disable=SC2034 # the other parts read it
IMAGE_TIME=${SOURCE_DATE_EPOCH:-1767225600}

# arch_name NAME: x86_64 or aarch64, for either of the two names that each has.
arch_name() {
  case $1 in
    x86_64 | amd64) echo x86_64 ;;
    aarch64 | arm64) echo aarch64 ;;
    *) die "$1: no such architecture; write x86_64 (amd64) or aarch64 (arm64)" ;;
  esac
}

debian_arch() { [ "$1" = aarch64 ] && echo arm64 || echo amd64; }

# need_program PROGRAM PACKAGE: installs the package unless the program is there.
need_program() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    die "$1 is missing; as root run: apt-get update && apt-get install -y --no-install-recommends $2"
  fi
  say "installing: $2"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$2"; } >&2
}

# need_lists PACKAGE[:ARCH]: package lists that know the package, for `apt-get download`.
need_lists() {
  command -v apt-get >/dev/null || die "the package $1 is fetched with apt-get: use Debian"
  apt-cache show --no-all-versions "$1" >/dev/null 2>&1 && return
  local foreign=""
  case $1 in *:arm64) [ "$(dpkg --print-architecture)" = arm64 ] || foreign="dpkg --add-architecture arm64 && " ;; esac
  [ "$(id -u)" = 0 ] || die "no package list knows $1; as root run: ${foreign}apt-get update"
  [ -z "$foreign" ] || dpkg --add-architecture arm64
  apt-get update -q >&2
}
