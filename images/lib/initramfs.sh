# shellcheck shell=bash
# A directory as an initramfs: a newc archive (the kernel's driver-api/early-userspace/buffer-format), gzipped. Written
# here and not by cpio, because a device node is a line of the archive: nobody has to be root to make one.

PADS=('' '\0' '\0\0' '\0\0\0')

# pad LENGTH: zeros up to the next multiple of 4.
pad() { printf "${PADS[$((-$1 & 3))]}"; }

# entry NAME MODE SIZE [MAJOR MINOR]: a header; inode numbers count up, owner and group are 0, all times are equal.
entry() {
  inode=$((inode + 1))
  printf 070701
  printf %08X "$inode" "$2" 0 0 1 "$IMAGE_TIME" "$3" 0 0 "${4:-0}" "${5:-0}" $((${#1} + 1)) 0
  printf '%s\0' "$1"
  pad $((110 + ${#1} + 1))
}

# archive TREE: the root (whose mode the kernel would leave at 1777), the tree's entries by name, and what the agent needs of
# /dev before it has mounted one: console, and kmsg for its log, both root's alone.
archive() {
  local tree=$1 inode=0 name type mode size target
  entry . $((0040755)) 0
  while IFS=$'\t' read -r name type mode size target; do
    case $type in
      d) entry "$name" $((0040000 | 8#$mode)) 0 ;;
      f)
        entry "$name" $((0100000 | 8#$mode)) "$size"
        cat "$tree/$name"
        pad "$size"
        ;;
      l)
        entry "$name" $((0120777)) ${#target}
        printf %s "$target"
        pad ${#target}
        ;;
      *) die "$name: an initramfs of ours has no such file (type $type)" ;;
    esac
  done < <(find "$tree" -mindepth 1 -printf '%P\t%y\t%m\t%s\t%l\n' | sort)
  entry dev/console $((0020600)) 0 5 1
  entry dev/kmsg $((0020600)) 0 1 11
  entry 'TRAILER!!!' 0 0
}

# make_initramfs TREE FILE
make_initramfs() { archive "$1" | gzip -n -9 >"$2"; }
