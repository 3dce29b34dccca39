# shellcheck shell=bash
# The smallest guest with a shell: Debian's static busybox under every name it knows.

# fetch_busybox DIRECTORY ARCH: unpacks the package there, once, without installing it.
fetch_busybox() {
  local package=busybox-static:$2 directory=$1 new
  [ ! -d "$directory" ] || return 0
  need_lists "$package"
  mkdir -p "$(dirname "$directory")"
  new=$(mktemp -d "$directory.XXXXXX")
  # As apt's sandbox user it could not write there.
  (cd "$new" && apt-get -q -o APT::Sandbox::User=root download "$package" >/dev/null && dpkg -x ./*.deb .)
  chmod 0755 "$new"
  mv -nT "$new" "$directory"
  rm -rf "$new"
}

stage_busybox() {
  local tree=$1 arch=$2 runner="" package name
  package=$(dirname "$IMAGES")/build/images/busybox-$arch
  skeleton "$tree" passwd group hosts profile
  fetch_busybox "$package" "$(debian_arch "$arch")"
  install -d -m 0755 "$tree"/{bin,sbin,usr/bin,usr/sbin}
  install -m 0755 "$package/bin/busybox" "$tree/bin/busybox"
  if [ "$arch" != "$(uname -m)" ]; then
    need_program "qemu-$arch-static" qemu-user-static
    runner=qemu-$arch-static
  fi
  for name in $($runner "$package/bin/busybox" --list-full); do
    case $name in
      bin/busybox | linuxrc) ;;
      # PID 1 is the agent. busybox's init is there for who boots with init=/bin/init.
      sbin/init) ln -s busybox "$tree/bin/init" ;;
      bin/*) ln -s busybox "$tree/$name" ;;
      sbin/*) ln -s ../bin/busybox "$tree/$name" ;;
      usr/*) ln -s ../../bin/busybox "$tree/$name" ;;
      *) die "busybox wants to be /$name" ;;
    esac
  done
}
