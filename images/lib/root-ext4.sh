# shellcheck shell=bash
# The backend of root.sh for an ext2, ext3 or ext4 image: through debugfs(8), without mounting it and without root.

# The time of what is put into it.
EXT4_TIME=${SOURCE_DATE_EPOCH:-$(date +%s)}

# quoted PATH: as a word of debugfs's commands, in which a line is a command: ext4_link_target lets no line end in.
quoted() { printf '"%s"' "${1//\"/\"\"}"; }

# ext4_ask COMMAND: reads the image. debugfs always exits with 0, so what it says is looked at by the caller.
ext4_ask() { debugfs -R "$1" "$ROOT" 2>&1; }

# ext4_tell COMMAND...: changes the image. Anything debugfs has to say on standard error, but its banner, is a failure.
ext4_tell() {
  local wrong
  wrong=$({ echo "set_current_time @$EXT4_TIME"; printf '%s\n' "$@"; } |
    debugfs -w -f - "$ROOT" 2>&1 >/dev/null | sed 1d)
  [ -z "$wrong" ] || die "$ROOT: $wrong"
}

ext4_field() { { dumpe2fs -h "$ROOT" 2>/dev/null || true; } | sed -n "s/^$1: *//p"; }

ext4_check() {
  local loop features
  need_program debugfs e2fsprogs
  [ -w "$ROOT" ] || die "$ROOT: not writable"
  features=$(ext4_field "Filesystem features")
  case $features in
    "") die "$ROOT: no ext2, ext3 or ext4 file system (a partition table is not looked into)" ;;
    *needs_recovery*) die "$ROOT: its journal has not been replayed; run: e2fsck -fp $ROOT" ;;
  esac
  for loop in /sys/block/loop*/loop/backing_file; do
    [ ! -f "$loop" ] || [ "$(cat "$loop")" != "$(realpath "$ROOT")" ] || die "$ROOT: in use as a loop device"
  done
  e2fsck -fn "$ROOT" >/dev/null 2>&1 || die "$ROOT: the file system has errors; run: e2fsck -fp $ROOT"
}

ext4_room() {
  local need free
  # The file, and some blocks for directories and services.
  need=$(($(stat -c %s "$1") + 65536))
  free=$(($(ext4_field "Free blocks") * $(ext4_field "Block size")))
  [ "$free" -ge "$need" ] ||
    die "$ROOT: $free bytes free, $need needed; run: truncate -s +$((need / 1048576 + 1))M $ROOT && resize2fs $ROOT"
}

ext4_kind() {
  local about
  # Of something that is there, the first line begins with its inode and type.
  about=$(ext4_ask "stat $(quoted "${1:-/}")" | sed '/^debugfs /d')
  about=${about%%$'\n'*}
  case $about in
    "Inode: "*"Type: regular "*) echo file ;;
    "Inode: "*"Type: directory "*) echo directory ;;
    "Inode: "*"Type: symlink "*) echo link ;;
    "Inode: "*) echo other ;;
    *"File not found by ext2_lookup"* | *"Ext2 inode is not a directory"*) echo none ;;
    *) die "$ROOT: $1: $about" ;;
  esac
}

ext4_link_target() {
  local target
  target=$(ext4_ask "stat $(quoted "$1")" | sed -n 's/^Fast link dest: "\(.*\)"$/\1/p')
  [ -n "$target" ] || target=$(debugfs -R "cat $(quoted "$1")" "$ROOT" 2>/dev/null | tr -d '\0')
  case $target in *[$'\n"']*) die "$ROOT: $1 is a symbolic link with a quotation mark or a line end in it" ;; esac
  echo "$target"
}

ext4_mode() { ext4_ask "stat $(quoted "$1")" | sed -n 's/.*Mode: *\([0-7]*\) .*/\1/p'; }
ext4_read() { rm -f "$2"; ext4_ask "dump $(quoted "$1") $(quoted "$2")" >/dev/null; }

# Root's, with a mode (of all its bits) and the times of the others.
ext4_own() {
  local path field
  path=$(quoted "$1")
  printf 'sif %s mode %s\nsif %s uid 0\nsif %s gid 0\n' "$path" "$2" "$path" "$path"
  for field in atime ctime mtime crtime; do echo "sif $path $field @$EXT4_TIME"; done
}

# ext4_make COMMAND PATH MODE: makes something at a path, in place of what is there.
ext4_make() {
  local kind remove=""
  kind=$(ext4_kind "$2")
  [ "$kind" = none ] || remove="rm $(quoted "${2##*/}")"
  ext4_tell "cd $(quoted "${2%/*}/")" ${remove:+"$remove"} "$1" "$(ext4_own "$2" "$3")"
}

ext4_make_directory() { ext4_make "mkdir $(quoted "${1##*/}")" "$1" "04$2"; }
ext4_link() { ext4_make "symlink $(quoted "${2##*/}") $(quoted "$1")" "$2" 0120777; }

ext4_console() {
  ext4_make "mknod ${1##*/} c 5 1" "$1" 020600
  say "  $1"
}

ext4_put() { ext4_make "write $(quoted "$(realpath "$1")") $(quoted "${2##*/}")" "$2" "010$3"; }
