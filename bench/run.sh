#!/bin/sh
# Measures the agent beside its C floors: ./bench/run.sh [density|boot|http] [--quick]; bench/README.md says what each row is.
set -eu
cd "$(dirname "$0")/.."

what=agent
case ${1:-} in
  density | boot | http)
    what=$1
    shift
    ;;
esac

[ -x dist/mote-x86_64 ] || ./build.sh x86_64

for tool in musl-gcc taskset; do
  command -v "$tool" >/dev/null || { echo "bench: $tool is missing (apt-get install musl-tools util-linux)" >&2; exit 1; }
done

mkdir -p build/bench
compile() { musl-gcc "-O$1" -static -s -Wall -Wextra -o "build/bench/$2" "bench/$3"; }

case $what in
  agent)
    for floor in ping run upload download asleep; do compile s "floor-$floor" "floor/$floor.c"; done
    compile 2 client client.c
    exec node_modules/.bin/bun bench/run.ts "$@"
    ;;
  density)
    compile s floor-pair floor/pair.c
    compile 2 swarm swarm.c
    exec node_modules/.bin/bun bench/density.ts "$@"
    ;;
  http)
    for package in zlib1g-dev nginx-light; do
      [ "$(dpkg-query -W -f '${db:Status-Status}' $package 2>/dev/null)" = installed ] ||
        apt-get install -yq --no-install-recommends $package || { echo "bench: install $package" >&2; exit 1; }
    done
    compile s floor-http floor/http.c
    compile 2 http-client http/client.c
    cc -O2 -s -Wall -Wextra -o build/bench/floor-gzip bench/floor/gzip.c -lz
    exec node_modules/.bin/bun bench/http.ts "$@"
    ;;
  boot)
    bench/boot/prepare.sh
    exec node_modules/.bin/bun bench/boot.ts "$@"
    ;;
esac
