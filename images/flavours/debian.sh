# shellcheck shell=bash
# Debian's smallest system with what users of the hosts expect: sudo, ca-certificates, curl, git; systemd if asked for.

DEBIAN_SUITE=bookworm

# What guests do not read, and Python files that packages carry for programs that are not there.
DEBIAN_WITHOUT=('/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/doc/*'
  '/usr/share/gcc/python*' '/usr/share/gdb/*' '/usr/share/apport/*')

stage_debian() {
  local tree=$1 arch=$2 packages=sudo,ca-certificates,curl,git path options=()
  [ "$(id -u)" = 0 ] || die "the flavour debian is made by dpkg's own scripts in a chroot: run it as root"
  if [ "$arch" != "$(uname -m)" ] && [ ! -e "/proc/sys/fs/binfmt_misc/qemu-$arch" ]; then
    die "Debian's own scripts for $arch do not run here; build it on $arch, or with qemu-user-static and binfmt_misc"
  fi
  need_program mmdebstrap mmdebstrap
  [ -z "$SYSTEMD" ] || packages=$packages,systemd,systemd-sysv
  for path in "${DEBIAN_WITHOUT[@]}"; do options+=("--dpkgopt=path-exclude=$path"); done
  options+=("--dpkgopt=path-include=/usr/share/doc/*/copyright")
  # The lists of a day long gone have expired.
  [ -z "$MIRROR" ] || options+=('--aptopt=Acquire::Check-Valid-Until "false"')
  # shellcheck disable=SC2086
  SOURCE_DATE_EPOCH=$IMAGE_TIME mmdebstrap --quiet --format=directory --variant=minbase --include=$packages \
    --architectures="$(debian_arch "$arch")" "${options[@]}" $DEBIAN_SUITE "$tree" ${MIRROR:+"$MIRROR"} >&2
  [ "$PROFILE" != e2b ] || add_user "$tree"
  forget "$tree"
}

# forget TREE: what one machine should not share with the next, and what differs from build to build.
forget() {
  local tree=$1
  find "$tree/dev" "$tree/run" "$tree/tmp" "$tree/var/log" -mindepth 1 -delete
  find "$tree/var/lib/apt/lists" "$tree/var/cache/apt" "$tree/var/cache/ldconfig" -type f -delete
  rm -f "$tree"/etc/ssh/ssh_host_*_key* "$tree"/etc/hostname "$tree"/etc/resolv.conf "$tree"/var/lib/dbus/machine-id \
    "$tree"/var/lib/systemd/random-seed "$tree"/etc/*- "$tree"/var/lib/dpkg/*-old "$tree"/var/cache/debconf/*-old
  : >"$tree/etc/machine-id"
  install -m 0644 "$IMAGES/skeleton/etc/hosts" "$tree/etc/hosts"
}

# E2B's hosts run commands as `user`.
add_user() {
  SOURCE_DATE_EPOCH=$IMAGE_TIME chroot "$1" useradd --create-home --shell /bin/bash user
  echo 'user ALL=(ALL:ALL) NOPASSWD: ALL' >"$1/etc/sudoers.d/user"
  chmod 0440 "$1/etc/sudoers.d/user"
}
