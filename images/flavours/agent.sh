# shellcheck shell=bash
# The agent alone: /init, mount points, and who root is. There is no shell, so `run` answers "spawn failed".

# skeleton TREE FILE...: the directories that every guest of ours has, and files of /etc.
skeleton() {
  local tree=$1 name
  shift
  install -d -m 0755 "$tree"/{,dev,proc,sys,run,etc,usr,usr/local,usr/local/bin,var,var/log}
  install -d -m 0700 "$tree/root"
  install -d -m 1777 "$tree/tmp" "$tree/var/tmp"
  for name in "$@"; do install -m 0644 "$IMAGES/skeleton/etc/$name" "$tree/etc/$name"; done
}

stage_agent() { skeleton "$1" passwd group hosts; }
