# shellcheck shell=bash
# The agent in a root file system: one file, the names that hosts start it by, and a service where the root has an init.

AGENT_PATH=/usr/local/bin/mote

PROFILES="smolvm wrenn e2b generic"

# profile_names PROFILE: the paths by which its hosts start the agent; the first is for a service. The agent takes the
# profile from the name it is started by, so these are links to one file.
profile_names() {
  case $1 in
    smolvm) echo /usr/local/bin/smolvm-guest-agent ;;
    wrenn) echo /usr/local/bin/envd /usr/local/bin/wrenn-init ;;
    e2b) echo /usr/bin/envd ;;
    generic) echo "$AGENT_PATH" ;;
    *) die "$1: no such profile; choose of $PROFILES" ;;
  esac
}

# service_name PROFILE: an image made for envd has a service of that name already, which ours must replace.
service_name() {
  case $1 in
    wrenn | e2b) echo envd ;;
    *) echo mote ;;
  esac
}

# root_arch: the architecture of the root's own shell; nothing when it has none.
root_arch() {
  local shell kind
  shell=$(root_resolve /bin/sh)
  kind=$(root_do kind "$shell")
  [ "$kind" = file ] || return 0
  root_do read "$shell" "$SCRATCH/sh"
  elf_machine "$SCRATCH/sh"
}

# root_init: systemd, openrc or none: what starts services in the root.
root_init() {
  local init kind path
  init=$(root_resolve /sbin/init)
  kind=$(root_do kind "$init")
  if [ "${init##*/}" = systemd ] && [ "$kind" = file ]; then echo systemd; return; fi
  for path in /sbin/openrc-run /usr/sbin/openrc-run; do
    kind=$(root_kind "$path")
    if [ "$kind" = file ]; then echo openrc; return; fi
  done
  echo none
}

# put_agent BINARY PROFILE: everything of a profile into the root that is open.
put_agent() {
  local binary=$1 profile=$2 names name init has
  names=$(profile_names "$profile")
  init=$(root_init)
  has=$(root_has "$binary" $AGENT_PATH 0755)
  [ -n "$has" ] || root_do room "$binary"
  for name in /dev /proc /sys /run; do root_directory $name >/dev/null; done
  root_directory /tmp 1777 >/dev/null
  root_put "$binary" $AGENT_PATH 0755
  for name in $names; do [ "$name" = $AGENT_PATH ] || root_link $AGENT_PATH "$name"; done
  case $init in
    systemd) put_systemd_unit "$(service_name "$profile")" "${names%% *}" ;;
    openrc) put_openrc_service "$(service_name "$profile")" "${names%% *}" ;;
    none) for name in /init /sbin/init; do put_init "$name" "${names##* }"; done ;;
  esac
}

# put_init PATH NAME: makes the agent the kernel's first program, unless the root has one of its own.
put_init() {
  local init agent kind
  init=$(root_resolve "$1")
  agent=$(root_resolve $AGENT_PATH)
  kind=$(root_do kind "$init")
  if [ "$kind" = none ] || [ "$init" = "$agent" ]; then
    root_link $AGENT_PATH "$1"
  else
    say "  $1 stays as it is: let it start $2, or boot with init=$2"
  fi
}

# put_systemd_unit NAME COMMAND, put_openrc_service NAME COMMAND: a service that starts the agent by a path.
#
# The preset too: systemd applies presets at the first boot, and one that says nothing of the unit may disable it.
put_systemd_unit() {
  local unit=$1.service
  sed "s|@AGENT@|$2|" "$IMAGES/mote.service" >"$SCRATCH/service"
  root_put "$SCRATCH/service" "/etc/systemd/system/$unit" 0644
  root_link "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit"
  echo "enable $unit" >"$SCRATCH/preset"
  root_put "$SCRATCH/preset" "/etc/systemd/system-preset/00-$1.preset" 0644
}

put_openrc_service() {
  sed "s|@AGENT@|$2|" "$IMAGES/mote.openrc" >"$SCRATCH/service"
  root_put "$SCRATCH/service" "/etc/init.d/$1" 0755
  root_link "/etc/init.d/$1" "/etc/runlevels/default/$1"
}

# put_console: the node that the kernel opens for PID 1, where the kernel does not mount /dev by itself. A container
# leaves an empty file there.
put_console() {
  local path kind
  path=$(root_parent /dev/console)
  kind=$(root_do kind "$path")
  case $kind in none | file) root_do console "$path" ;; esac
}
