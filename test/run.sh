#!/usr/bin/env bash
# Runs every test; on a fresh Debian machine, as root, it installs first what that needs.
# usage: test/run.sh [PART...]
#
#   types                   tsc --noEmit
#   unit                    the unit tests, and motectl: every directory without a part of its own
#   conformance [HOST...]   the conformance suite; HOST is bun, x86_64 or aarch64, by default all
#   envd [HOST...]          envd's protocol over HTTP; HOST as above
#   namespaces [HOST...]    the agent as PID 1 of namespaces; HOST as above
#   images                  guest images: built, built again, refused
#   guest                   a virtual machine that the agent boots, x86_64 and aarch64
#   footprint               memory and size of the native binary
#   rpc [HOST...]           envd's processes and file system over Connect; HOST as above
#   e2b [HOST...]           E2B's own SDK against envd's protocol; HOST as above
#   whole                   guests whose envd is the agent, used as the hosts of envd do
#   slow [HOST...]          what takes minutes by its nature; not among those without arguments, nor are the next two
#   soak [SECONDS]          clients that do everything with envd's RPC, for an hour by default; natively
#   go [HOST...]            the client of Wrenn's host against envd's RPC; it needs Go, and fetches what test/go/go.mod names
#   fuzz [COUNT]            random and mutated streams of each protocol against the AddressSanitizer build
#
# Without arguments all of them, in three lanes beside each other, because most of them mostly wait. The
# last line says how many tests passed and failed; the exit code is 0 when none failed and no step broke.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

hosts="bun x86_64 aarch64"
fuzz_dose=40000
soak_dose=3600

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' test/run.sh; }

results=$(mktemp -d "${TMPDIR:-/tmp}/mote-results-XXXXXX")
trap 'rm -rf "$results"' EXIT
bun=$PWD/node_modules/.bin/bun

# step NAME COMMAND...: runs it and keeps its exit code for the report.
step() {
  local name=$1 start=$SECONDS code=0
  shift
  echo "== ${name/@/ on }"
  "$@" || code=$?
  echo "$code" >"$results/$name.status"
  echo "== ${name/@/ on }: $([ $code = 0 ] && echo "done" || echo "FAILED ($code)"), $((SECONDS - start)) s"
}

# tests NAME ARGUMENT...: bun test, its cases kept for the report. A hang is ended, and is a failure.
tests() {
  local name=$1
  shift
  step "$name" timeout --kill-after=10 1800 "$bun" test --timeout 60000 --only-failures --reporter=junit --reporter-outfile="$results/$name.xml" "$@"
}

# build TARGET: once in a run.
declare -A built=()
build() {
  [ -z "${built[$1]:-}" ] || return 0
  built[$1]=yes
  step "build $1" ./build.sh "$1"
}

types() { step types node_modules/.bin/tsc --noEmit; }

unit() {
  # motectl is tested against the native agent, on both hosts.
  build x86_64
  build ctl
  build probe
  build both-hosts
  build echo
  local directory directories=()
  for directory in test/*/; do
    case $directory in test/conformance/ | test/envd/ | test/rpc/ | test/e2b/ | test/namespaces/ | test/images/ | test/guest/ | test/slow/ | test/go/ | test/fuzz/) ;; *) directories+=("./$directory") ;; esac
  done
  # sys/ forks in the test process itself: sys/bun/start.ts says what these are for.
  BUN_JSC_useConcurrentGC=0 BUN_JSC_useConcurrentJIT=0 BUN_JSC_numberOfGCMarkers=1 tests unit@- "${directories[@]}"
}

# The 60 s deadline is waited for while everything else runs.
conformance_on() {
  export MOTE_HOST=$1
  tests "conformance deadline@$1" ./test/conformance/deadline.test.ts >"$results/deadline.log" 2>&1 &
  local deadline=$! file files=()
  for file in ./test/conformance/*.test.ts; do
    [ "$file" = ./test/conformance/deadline.test.ts ] || files+=("$file")
  done
  tests "conformance@$1" "${files[@]}"
  wait "$deadline"
  cat "$results/deadline.log"
  unset MOTE_HOST
}

# Builds the agent of a host, where it is one that is built.
host_ready() {
  case $1 in
    bun) ;;
    x86_64) build x86_64 ;;
    aarch64) build aarch64; step "emulation of aarch64" test/binfmt.sh ;;
    *) echo "test/run.sh: no host $1; choose of $hosts" >&2; exit 2 ;;
  esac
}

conformance() {
  local host
  for host in "$@"; do
    host_ready "$host"
    conformance_on "$host"
  done
}

# on_hosts PART HOST...: the tests of one directory.
on_hosts() {
  local part=$1 host
  shift
  for host in "$@"; do
    host_ready "$host"
    MOTE_HOST=$host tests "$part@$host" "./test/$part/"
  done
}

images() { build x86_64; build aarch64; tests images@- ./test/images/; }

# Kernel, images and programs for guests; builds the agent as well.
guest_ready() {
  [ -z "${built[guest-$1]:-}" ] || return 0
  built[guest-$1]=yes
  built[$1]=yes
  step "guest images for $1" test/guest.sh --arch "$1" --prepare
}

guest() {
  local arch
  for arch in x86_64 aarch64; do
    guest_ready "$arch"
    # shellcheck disable=SC2046
    MOTE_HOST=$arch tests "guest@$arch" $(test/guest.sh --arch "$arch" --list)
  done
}

whole() {
  guest_ready x86_64
  step "images of whole guests" test/guest.sh --prepare whole
  MOTE_HOST=x86_64 tests whole@x86_64 ./test/guest/whole/
}

footprint() {
  build x86_64
  build aarch64
  MOTE_HOST=x86_64 tests footprint@x86_64 ./test/footprint.test.ts
}

soak() {
  build x86_64
  MOTE_HOST=x86_64 MOTE_SOAK=$1 step soak@x86_64 timeout --kill-after=10 $(($1 + 600)) "$bun" test --only-failures --reporter=junit --reporter-outfile="$results/soak@x86_64.xml" ./test/rpc/soak.test.ts
}

fuzz() {
  local protocol
  for protocol in frames http; do step "fuzz $protocol@-" test/fuzz/fuzz.sh $protocol "$@"; done
  step "fuzz codecs@-" test/fuzz/codecs.sh "$@"
}

# What several lanes need is built before them, and what it costs to be idle is measured after them.
everything() {
  types
  guest_ready x86_64
  guest_ready aarch64
  build ctl
  build probe
  build both-hosts
  build echo
  build asan
  build codecs
  # shellcheck disable=SC2086
  { on_hosts rpc $hosts; whole; } >"$results/second.log" 2>&1 &
  # shellcheck disable=SC2086
  { unit; images; guest; conformance $hosts; on_hosts namespaces $hosts; on_hosts e2b $hosts; } >"$results/third.log" 2>&1 &
  # shellcheck disable=SC2086
  { on_hosts envd $hosts; fuzz "$fuzz_dose"; }
  wait
  cat "$results/second.log" "$results/third.log"
  footprint
}

if [ "${1:-}" = --help ]; then
  usage
  exit 0
fi

step "build deps" ./build.sh deps

[ $# != 0 ] || everything
while [ $# -gt 0 ]; do
  part=$1
  shift
  arguments=()
  while [ $# -gt 0 ] && [[ ! $1 =~ ^(types|unit|conformance|envd|rpc|e2b|namespaces|images|guest|whole|footprint|slow|soak|go|fuzz)$ ]]; do
    arguments+=("$1")
    shift
  done
  # shellcheck disable=SC2068 # the hosts are words of one variable
  case $part in
    types | unit | images | guest | whole | footprint) "$part" ;;
    conformance) conformance ${arguments[@]:-$hosts} ;;
    envd | rpc | e2b | namespaces | slow | go) on_hosts "$part" ${arguments[@]:-$hosts} ;;
    soak) soak "${arguments[0]:-$soak_dose}" ;;
    fuzz) fuzz "${arguments[@]:-$fuzz_dose}" ;;
    *)
      echo "test/run.sh: no part $part" >&2
      usage >&2
      exit 2
      ;;
  esac
done

if [ ! -x "$bun" ]; then
  echo "test/run.sh: the packages it needs are not installed" >&2
  echo "0 passed, 1 failed"
  exit 1
fi
"$bun" test/report.ts "$results"
