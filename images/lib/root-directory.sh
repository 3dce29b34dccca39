# shellcheck shell=bash
# The backend of root.sh for a directory. Files belong to root where the builder may say so.

directory_check() { [ "$ROOT" != / ] || die "this machine's own root is not baked into"; }

directory_room() { :; }

directory_kind() {
  if [ -L "$ROOT$1" ]; then echo link
  elif [ -f "$ROOT$1" ]; then echo file
  elif [ -d "$ROOT$1" ]; then echo directory
  elif [ -e "$ROOT$1" ]; then echo other
  else echo none; fi
}

directory_link_target() { readlink "$ROOT$1"; }
directory_mode() { stat -c %04a "$ROOT$1"; }
directory_read() { cp "$ROOT$1" "$2"; }

directory_own() { [ "$(id -u)" != 0 ] || chown -h 0:0 "$1"; }

directory_make_directory() {
  mkdir -m "$2" "$ROOT$1"
  directory_own "$ROOT$1"
}

# Made beside its name and renamed over it: never written through a link, never half there.
directory_put() {
  local new
  new=$(mktemp "$ROOT${2%/*}/.mote-XXXXXX")
  cp "$1" "$new"
  chmod "$3" "$new"
  directory_own "$new"
  mv -fT "$new" "$ROOT$2"
}

directory_link() {
  ln -sfnT "$1" "$ROOT$2"
  directory_own "$ROOT$2"
}

directory_console() {
  if [ "$(id -u)" = 0 ] && rm -f "$ROOT$1" && mknod -m 600 "$ROOT$1" c 5 1 2>/dev/null; then
    say "  $1"
  else
    say "  $1 is missing, and only root can make it: a kernel that does not mount /dev itself starts without console"
  fi
}
