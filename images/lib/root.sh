# shellcheck shell=bash
# A root file system to put files into: a directory or an ext4 image, behind the same few functions. No path leads out
# of it: symbolic links are followed here, one by one, and an absolute one begins at the root again.
#
# A backend has, for paths without symbolic links before the last name:
#   NAME_kind PATH             file, directory, link, other or none
#   NAME_link_target PATH      what a symbolic link says
#   NAME_mode PATH             the permissions of a file, four octal digits
#   NAME_read PATH FILE        copies a file out
#   NAME_room FILE             dies unless there is room for the file, and a little more
#   NAME_make_directory PATH MODE
#   NAME_put FILE PATH MODE    a file of root's, in place of what is there
#   NAME_link TARGET PATH      a symbolic link, in place of what is there
#   NAME_console PATH          the device c 5 1, mode 0600, in place of what is there
#   NAME_check                 dies unless the root is sound

# root_open PATH: chooses the backend and dies when the path is neither.
root_open() {
  ROOT=$1
  if [ -d "$ROOT" ]; then
    BACKEND=directory
    ROOT=$(cd "$ROOT" && pwd -P)
  elif [ -f "$ROOT" ]; then
    BACKEND=ext4
  else
    die "$ROOT: no such directory or image"
  fi
  root_do check
}

root_do() { "${BACKEND}_$1" "${@:2}"; }

# root_resolve PATH: the path with every symbolic link followed. Names that do not exist are kept as they are.
root_resolve() {
  local rest=$1 path="" part kind links=0
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    rest=${rest#"$part"}
    rest=${rest#/}
    case $part in
      "" | .) continue ;;
      ..) path=${path%/*}; continue ;;
    esac
    kind=$(root_do kind "$path/$part")
    if [ "$kind" != link ]; then
      path=$path/$part
      continue
    fi
    links=$((links + 1))
    [ $links -le 40 ] || die "$1: too many symbolic links in the root"
    part=$(root_do link_target "$path/$part")
    rest=$part/$rest
    case $part in /*) path="" ;; esac
  done
  echo "${path:-/}"
}

# root_kind PATH: the kind of what a path leads to.
root_kind() {
  local path
  path=$(root_resolve "$1")
  root_do kind "$path"
}

# root_directory PATH [MODE]: makes a directory and those above it where they are missing. Prints its real path.
root_directory() {
  local path kind above
  path=$(root_resolve "$1")
  kind=$(root_do kind "$path")
  case $kind in
    directory) ;;
    none)
      above=$(root_directory "${path%/*}/")
      root_do make_directory "${above%/}/${path##*/}" "${2:-0755}"
      ;;
    *) die "$path of the root is not a directory" ;;
  esac
  echo "$path"
}

# root_parent PATH: the real path of a name, its directory made if need be; the last name is not followed.
root_parent() {
  local parent
  parent=$(root_directory "${1%/*}/")
  echo "${parent%/}/${1##*/}"
}

# root_has FILE PATH MODE: `yes` when the very file is there, with the mode (four octal digits).
root_has() {
  local path kind mode
  path=$(root_resolve "${2%/*}")
  path=${path%/}/${2##*/}
  kind=$(root_do kind "$path")
  [ "$kind" = file ] || return 0
  mode=$(root_do mode "$path")
  root_do read "$path" "$SCRATCH/old"
  if [ "$mode" = "$3" ] && cmp -s "$1" "$SCRATCH/old"; then echo yes; fi
}

# root_put FILE PATH MODE: a file of root's, unless it is there already.
root_put() {
  local has path kind
  has=$(root_has "$@")
  [ -z "$has" ] || return 0
  path=$(root_parent "$2")
  kind=$(root_do kind "$path")
  [ "$kind" != directory ] || die "$path of the root is a directory"
  root_do put "$1" "$path" "$3"
  say "  $path"
}

# root_link FILE PATH: a symbolic link to another file of the root, relative, so that it holds wherever the root is.
root_link() {
  local path file kind target old
  path=$(root_parent "$2")
  file=$(root_parent "$1")
  target=$(realpath -ms --relative-to="${path%/*}/" "$file")
  kind=$(root_do kind "$path")
  case $kind in
    directory) die "$path of the root is a directory" ;;
    link)
      old=$(root_do link_target "$path")
      [ "$old" != "$target" ] || return 0
      ;;
  esac
  root_do link "$target" "$path"
  say "  $path -> $target"
}
