#!/usr/bin/env bash
# The one way to build. ./build.sh [TARGET...]; ./build.sh --help lists the targets.
# Lists of packages and files are words of one variable.
# shellcheck disable=SC2086
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'END'
usage: ./build.sh [TARGET...]

  (none)    dist/mote-x86_64, dist/mote-aarch64, dist/motectl-x86_64, verified and shown at work
  x86_64    dist/mote-x86_64
  aarch64   dist/mote-aarch64
  ctl       dist/motectl-x86_64, the host's client
  suite-ARCH  build/guest/ARCH/suite, the SmolVM cases that a guest runs on itself, and motectl beside it
  probe     build/x86_64/probe, pieces of sys/ by themselves, for tests
  both-hosts  build/x86_64/both-hosts, what the tests of http/ run natively too
  echo      build/x86_64/echo, a service over connect/ for tests
  codecs    build/asan/codecs, mutated messages for connect/, with AddressSanitizer
  guest-deps  only install what guest tests need
  asan      dist/mote-asan, with AddressSanitizer, for tests
  deps      only install what building and testing needs
  clean     remove build/ and dist/

As root on Debian it installs missing packages; otherwise it says what to install.
END
}

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 1; }

# --- dependencies ---------------------------------------------------------------------------------------------------

APT_BASE="gcc musl-tools file nodejs npm"
APT_AARCH64="gcc-aarch64-linux-gnu libc6-dev-arm64-cross musl-dev:arm64 qemu-user-static"
# The AddressSanitizer build is for this machine's own libc; the tests look at processes with ps.
APT_TESTS="libc6-dev procps iproute2 openssh-client systemd e2fsprogs curl python3"
# QEMU's emulation, and what looks at images.
APT_GUEST="qemu-system-x86 qemu-system-arm cpio e2fsprogs"

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Packages of a list that are not there. A program that came some other way than by its package counts too.
missing_packages() {
  local package
  for package in "$@"; do
    case $package in
      nodejs) command -v node >/dev/null || echo nodejs ;;
      npm) command -v npm >/dev/null || echo npm ;;
      *) is_installed "$package" || echo "$package" ;;
    esac
  done
}

need_packages() {
  local missing
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  local foreign=""
  case $missing in *:arm64*) foreign="dpkg --add-architecture arm64 && " ;; esac
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    die "missing packages; as root run: ${foreign}apt-get update && apt-get install -y --no-install-recommends $missing"
  fi
  say "installing: $missing"
  [ -z "$foreign" ] || dpkg --add-architecture arm64
  # shellcheck disable=SC2086
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing; } >&2
}

# npm packages, installed anew when the lock file has changed. Not by npm ci: it wants the lock file to name the
# compiler's optional packages for other systems, which not every registry has.
need_node_modules() {
  local stamp=node_modules/.mote-lock
  if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
    say "installing npm packages"
    npm install --no-save --omit-lockfile-registry-resolved --no-audit --no-fund >&2
    # A new file: checkouts may share the old one.
    cp --remove-destination package-lock.json "$stamp"
  fi
}

need_native() { need_packages $APT_BASE; need_node_modules; }
need_aarch64() { need_packages $APT_AARCH64; }
need_tests() { need_packages $APT_TESTS; }
need_guest() { need_packages $APT_GUEST; }

# --- compiling ------------------------------------------------------------------------------------------------------

RUNTIME=node_modules/@scriptc/runtime
# Of zlib, as the runtime brings it: compressing and decompressing in memory.
ZLIB="inflate inftrees zutil"
# What a transfer waits for: worth its bytes.
ZLIB_FAST="deflate inffast trees"
WARNINGS="-Wall -Wextra -Wno-unused-parameter -Wno-cast-function-type"
# Nobody looks at floating point exceptions. Ryu, which prints doubles and is all that NDEBUG is for, computes most of its
# tables when it needs them.
COMMON="-std=c11 -D_GNU_SOURCE -fno-math-errno -fno-trapping-math -fno-strict-aliasing -Ibuild/runtime -Ibuild/zlib
  -DBUILDFIXED -DRYU_OPTIMIZE_SIZE -DNDEBUG -I$RUNTIME/vendor -ffile-prefix-map=$PWD=."
# Small and static: no unwind tables, no relocations, every unused section dropped, the whole program seen at once.
STATIC="$COMMON -DSCR_MUSL -Os -flto -ffunction-sections -fdata-sections -fno-pie -fno-pic
  -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector -fno-caller-saves -fno-gcse"
# Structures at the alignment that they need, not at 32 bytes.
STATIC_X86_64="$STATIC -malign-data=abi"
# Addresses in one instruction; the linker says so if the program outgrows its reach of 1 MB.
STATIC_AARCH64="$STATIC -mcmodel=tiny"
STATIC_LINK="-Os -flto -flto-partition=one -fno-pie -no-pie -static -s -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro
  -Wl,-z,noseparate-code -Wl,-T,sys/layout.ld"
ASAN="$COMMON -O1 -g -fsanitize=address -fno-omit-frame-pointer"

node24() { node_modules/.bin/node "$@"; }
# shellcheck source=/dev/null
. ./sys/sources.sh

# emit NAME ENTRY: TypeScript to build/NAME.c, and the runtime sources that it needs to build/NAME.sources. Only when a
# source has changed. The C is the same for every target.
emit() {
  local name=$1 entry=$2 out=build/$1.c
  if [ -f "$out" ] && [ -z "$(find $SOURCES sys/slim package.json package-lock.json -newer "$out" -print -quit)" ]; then return; fi
  export SCRIPTC_TARGET=x86_64-linux-musl
  node_modules/.bin/bun sys/manifest.ts "$entry" sys/ffi.json >"build/$name.ffi.json"
  node24 node_modules/scriptc/dist/bootstrap.js build "$entry" --ffi "build/$name.ffi.json" --emit=c -o "build/$name.new.c" >/dev/null
  # Only what it says is wanted, not what it compiles for that: so with the least effort.
  node24 node_modules/scriptc/dist/bootstrap.js build "$entry" --ffi "build/$name.ffi.json" --optimization dev \
    --print=native-link-info -o "build/$name.o" >"build/$name.json"
  node24 -e '
    const info = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    for (const set of info.runtime_pack.source_sets) for (const source of set.sources) console.log(source);
  ' "build/$name.json" >"build/$name.sources"
  # Comments name source files by their absolute path: they must not tell one checkout from another.
  sed -i "s|$PWD/||g" "build/$name.new.c"
  node_modules/.bin/bun sys/slim.ts "build/$name.new.c" "$out"
  rm "build/$name.new.c" "build/$name.o"
}

# object CC FLAGS SOURCE OBJECT: compiles where the source is newer than the object.
object() {
  local cc=$1 flags=$2 source=$3 object=$4
  [ "$object" -nt "$source" ] && [ "$object" -nt build.sh ] && return
  mkdir -p "$(dirname "$object")"
  # shellcheck disable=SC2086
  $cc $flags -c "$source" -o "$object"
}

# link NAME TARGET OUT: build/NAME.c and what it needs, for one of the targets.
link() {
  local name=$1 target=$2 out=$3 cc flags link dir objects="" renames="" source o speed commit own="native become sha2 base64 deflate span names"
  case $target in
    x86_64) cc=musl-gcc flags=$STATIC_X86_64 link=$STATIC_LINK ;;
    aarch64) cc="aarch64-linux-gnu-gcc -specs $PWD/build/aarch64-musl.specs" flags=$STATIC_AARCH64 link=$STATIC_LINK ;;
    asan) cc=gcc flags=$ASAN link="-fsanitize=address" ;;
  esac
  [ $target != aarch64 ] || cp /usr/lib/aarch64-linux-musl/musl-gcc.specs build/aarch64-musl.specs
  # cache.c and quick.c say why.
  [ $target = asan ] || renames="-Dmalloc=cached_malloc -Dcalloc=cached_calloc -Drealloc=cached_realloc -Dfree=cached_free
    -Dtrunc=quick_trunc -Dfmod=quick_fmod"
  dir=build/$target
  mkdir -p "$dir" dist
  runtime_sources
  zlib_sources
  while read -r source; do
    # It is part of the program itself, which asks after nearly every call whether something has been thrown.
    [ "$source" != src/scr_exception.c ] || continue
    o=$dir/runtime/$(basename "$source" .c).o
    objects="$objects $o"
    source=build/runtime/${source##*/}
    # cycle.c says why.
    case $source in */scr_cycle.c) source=sys/cycle.c ;; esac
    object "$cc" "$flags -w $renames" "$source" "$o" &
    [ "$(jobs -r | wc -l)" -lt "$(nproc)" ] || wait -n
  done <"build/$name.sources"
  wait
  for source in $ZLIB $ZLIB_FAST; do
    case " $ZLIB_FAST " in *" $source "*) speed=-O2 ;; *) speed= ;; esac
    object "$cc" "$flags -w $speed" "build/zlib/$source.c" "$dir/zlib/$source.o"
    objects="$objects $dir/zlib/$source.o"
  done
  commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
  [ "$(cat "$dir/commit" 2>/dev/null)" = "$commit" ] || { rm -f "$dir/native.o"; echo "$commit" >"$dir/commit"; }
  [ $target = asan ] || own="$own format cache quick number print"
  for source in $own; do
    # What stands in for a function of libc must not be taken for it.
    case $source in number | print) speed=-fno-lto ;; *) speed= ;; esac
    object "$cc" "$flags $WARNINGS $speed -DMOTE_COMMIT=\"$commit\"" "sys/$source.c" "$dir/$source.o"
    objects="$objects $dir/$source.o"
  done
  # native.c says why these are replaced.
  [ $target = asan ] || renames+=" -Dscr_init=mote_begin"
  object "$cc" "$flags -w $renames -Dscr_lib_init=mote_start -include build/runtime/scr_exception.c" "build/$name.c" "$dir/$name.o"
  # shellcheck disable=SC2086
  $cc $link "$dir/$name.o" $objects -lm -o "$out.new"
  mv "$out.new" "$out"
}

SOURCES=""
for file in *.ts */*.ts */*/*.ts sys/*.json; do
  case $file in test/* | bench/* | node_modules/*) ;; *) SOURCES+=" $file" ;; esac
done

build_agent() {
  local target=$1
  mkdir -p build
  emit agent agent.ts
  link agent "$target" "dist/mote-$target"
}

build_ctl() {
  mkdir -p build
  emit motectl ctl/motectl.ts
  link motectl x86_64 dist/motectl-x86_64
}

# What runs inside guests under test.
build_suite() {
  local target=$1 suite=(test/guest/suite/*.ts)
  local SOURCES="$SOURCES ${suite[*]}"
  mkdir -p "build/guest/$target"
  emit suite test/guest/suite/main.ts
  link suite "$target" "build/guest/$target/suite"
  emit motectl ctl/motectl.ts
  link motectl "$target" "build/guest/$target/motectl"
}

# A program of the tests: pieces of the agent by themselves.
build_program() {
  local name=$1 entry=$2 target=${3:-x86_64} SOURCES="$SOURCES $2"
  mkdir -p "build/$target"
  emit "$name" "$entry"
  link "$name" "$target" "build/$target/$name"
}

# --- verifying ------------------------------------------------------------------------------------------------------

# The command that runs a target's binary on this machine.
runner() { [ "$1" = aarch64 ] && [ "$(uname -m)" != aarch64 ] && echo qemu-aarch64-static || true; }

# Waits for a process to log that it listens.
await_listening() {
  local log=$1 pid=$2
  for _ in $(seq 200); do
    grep -q 'listening on' "$log" 2>/dev/null && return
    kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; die "the agent ended before it listened"; }
    sleep 0.05
  done
  die "the agent did not begin to listen"
}

motectl() { node_modules/.bin/bun ctl/motectl.ts "$@"; }

# verify TARGET: static, stripped, starts, answers.
verify() {
  local target=$1 binary=dist/mote-$1 kind scratch pid
  kind=$(file -b "$binary")
  case $kind in *"statically linked"*) ;; *) die "$binary is not static: $kind" ;; esac
  case $kind in *"not stripped"*) die "$binary is not stripped" ;; esac
  scratch=$(mktemp -d)
  # shellcheck disable=SC2046
  $(runner "$target") "./$binary" --no-supervise --listen "unix:$scratch/agent.sock" 2>"$scratch/log" &
  pid=$!
  await_listening "$scratch/log" "$pid"
  motectl --unix "$scratch/agent.sock" ping >/dev/null || die "$binary does not answer a ping"
  kill "$pid"
  wait "$pid" || die "$binary did not stop in order"
  rm -r "$scratch"
  say "$binary: static, stripped, answers; $(stat -c %s "$binary") bytes"
}

# The main job: a command run through the agent.
show() {
  local scratch pid
  scratch=$(mktemp -d)
  ./dist/mote-x86_64 --listen "unix:$scratch/agent.sock" 2>"$scratch/log" &
  pid=$!
  await_listening "$scratch/log" "$pid"
  echo
  echo "\$ dist/mote-x86_64 --listen unix:agent.sock &"
  echo "\$ dist/motectl-x86_64 --unix agent.sock run -- 'uname -sm; id -un'"
  ./dist/motectl-x86_64 --unix "$scratch/agent.sock" run -- 'uname -sm; id -un'
  echo
  # Half a second after the last connection the agent shrinks.
  sleep 1
  local process
  for process in "$pid" $(cat "/proc/$pid/task/$pid/children"); do
    awk -v name="$(cat "/proc/$process/comm")" '/^(Rss|Pss):/ { line = line " " $1 " " $2 " kB" } END { print "idle " name line }' \
      "/proc/$process/smaps_rollup"
  done
  kill "$pid"
  wait "$pid"
  rm -r "$scratch"
  ls -l dist | awk 'NR > 1 { printf "%8d bytes  dist/%s\n", $5, $9 }'
}

# --- targets --------------------------------------------------------------------------------------------------------

[ $# -gt 0 ] || set -- all
for target in "$@"; do
  case $target in
    -h | --help) usage ;;
    x86_64) need_native; build_agent x86_64; verify x86_64 ;;
    aarch64) need_native; need_aarch64; build_agent aarch64; verify aarch64 ;;
    ctl) need_native; build_ctl ;;
    probe) need_native; build_program probe test/sys/probe.ts ;;
    both-hosts) need_native; build_program both-hosts test/http/both-hosts.ts ;;
    echo) need_native; build_program echo test/connect/echo.ts ;;
    codecs) need_native; need_tests; build_program codecs test/fuzz/codecs.ts asan ;;
    suite-x86_64) need_native; build_suite x86_64 ;;
    suite-aarch64) need_native; need_aarch64; build_suite aarch64 ;;
    guest-deps) need_guest ;;
    asan) need_native; need_tests; build_agent asan; say "dist/mote-asan: built" ;;
    deps) need_native; need_aarch64; need_tests ;;
    clean) rm -rf build dist ;;
    all)
      need_native
      need_aarch64
      build_agent x86_64
      build_agent aarch64
      build_ctl
      verify x86_64
      verify aarch64
      show
      ;;
    *) usage >&2; die "no such target: $target" ;;
  esac
done
