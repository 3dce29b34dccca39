#!/usr/bin/env bash
# Random and mutated streams against the AddressSanitizer build of the agent.
# usage: test/fuzz/fuzz.sh frames|http [COUNT] [SEED] [FIRST]   a million streams, a seed of the day, from 0
#
# `frames` are those of the SmolVM control channel, `http` are requests of envd's protocol. Stream n
# depends on SEED and n alone: `fuzz.sh http 1 SEED n` repeats one. The agent executes what it
# is asked, so it runs as nobody, in a directory and with a /tmp of its own. FUZZ_BINARY names another agent.
set -euo pipefail
cd "$(dirname "$0")/../.."

protocol=${1:-}
count=${2:-1000000}
seed=${3:-$(date +%s)}
first=${4:-0}
nobody=65534

die() { echo "fuzz.sh: $*" >&2; exit 1; }

case $protocol in
  frames) options=() service="" level=info said=1 ;;
  # What nobody may not do is a warning.
  http) options=(-DHTTP) service=envd+ level=error said=0 ;;
  *) die "write frames or http" ;;
esac
[ "$(id -u)" = 0 ] || die "run it as root: it starts the agent as nobody, for whom the commands it is sent are harmless"
binary=${FUZZ_BINARY:-dist/mote-asan}
[ -n "${FUZZ_BINARY:-}" ] || ./build.sh asan >&2

scratch=$(mktemp -d /tmp/mote-fuzz-XXXXXX)
agent=
cleanup() {
  [ -z "$agent" ] || kill -KILL "$agent" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

mkdir "$scratch/work" "$scratch/log" "$scratch/tmp"
gcc -std=gnu11 -O2 -Wall -Wextra -Wno-sign-compare "${options[@]}" -o "$scratch/client" test/fuzz/client.c
install -m 755 "$binary" "$scratch/agent"
chmod 755 "$scratch"
chown $nobody:$nobody "$scratch/work" "$scratch/log"

socket=$scratch/work/sock
marker=MOTE_TEST=fuzz-$$
cd "$scratch/work"
# Mutated paths are written to, too: its /tmp is another one, with the directory at the same place.
# shellcheck disable=SC2016
private_tmp='
set -e
scratch=$1; shift
mount -t tmpfs -o mode=1777 tmp "$scratch/tmp"
mkdir "$scratch/tmp/${scratch##*/}"
mount --bind "$scratch" "$scratch/tmp/${scratch##*/}"
mount --rbind "$scratch/tmp" /tmp
cd "$scratch/work"
exec "$@"'
env -i PATH=/usr/bin:/bin "$marker" ASAN_OPTIONS="log_path=$scratch/log/asan:exitcode=99:detect_leaks=1:quarantine_size_mb=32" \
  unshare --mount sh -c "$private_tmp" sh "$scratch" setpriv --reuid $nobody --regid $nobody --clear-groups --no-new-privs \
  "$scratch/agent" --no-supervise --isnotfc --log $level --listen "${service}unix:$socket" 2>"$scratch/log/stderr" &
agent=$!

# Waits until the command succeeds, or 10 s.
await() {
  local end=$((SECONDS + 10))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    kill -0 "$agent" 2>/dev/null || return 1
    sleep 0.05
  done
}

descriptors() { ls "/proc/$agent/fd" | wc -l; }
resident() { awk '/^Rss:/ { print $2 }' "/proc/$agent/smaps_rollup"; }
started() { grep -lzx "$marker" /proc/[0-9]*/environ 2>/dev/null | grep -cvx "/proc/$agent/environ"; }
are_back() { [ "$(descriptors)" = "$idle" ]; }
are_gone() { [ "$(started)" = 0 ] && [ -z "$(cat "/proc/$agent/task/$agent/children")" ]; }

report() {
  cat "$scratch"/log/* >&2
  die "$* (seed $seed)"
}

await "$scratch/client" "$socket" ping 2>/dev/null || report "the agent did not start"
idle=$(descriptors)
rss=$(resident)

echo "fuzz: $count streams of $protocol from $first, seed $seed"
"$scratch/client" "$socket" "$count" "$seed" "$first" || report "the agent did not survive"
"$scratch/client" "$socket" ping || report "the agent no longer answers"
await are_gone || report "$(started) processes are left"
await are_back || report "$(descriptors) descriptors are open, at the start it was $idle"
temporaries=$(find "$scratch/work" -name '.smolvm-put-*' | wc -l)
[ "$temporaries" = 0 ] || report "$temporaries temporaries are left"
lines=$(wc -l <"$scratch/log/stderr")
[ "$lines" = $said ] || report "the agent has said something"
after=$(resident)
kill -TERM "$agent"
code=0
wait "$agent" || code=$?
agent=
[ $code = 0 ] || report "the agent exited with $code"
if ls "$scratch"/log/asan* >/dev/null 2>&1; then report "AddressSanitizer has something to say"; fi
echo "fuzz: no report, no leak; resident $rss kB before, $after kB after"
