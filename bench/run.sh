#!/bin/sh
# Measures the agent beside its C floors: ./bench/run.sh [density|boot|http|ports|restore|rpc] [--quick]; bench/README.md says what each row is.
set -eu
cd "$(dirname "$0")/.."

what=agent
case ${1:-} in
  density | boot | http | ports | restore | rpc)
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
  ports)
    [ "$(dpkg-query -W -f '${db:Status-Status}' socat 2>/dev/null)" = installed ] ||
      apt-get install -yq --no-install-recommends socat || { echo "bench: install socat" >&2; exit 1; }
    compile s floor-relay floor/relay.c
    compile 2 ends ports/ends.c
    # The size of the table is said by the namespace that another one is made from.
    exec unshare --net sh -c 'echo 8192 >/proc/sys/net/ipv4/tcp_child_ehash_entries
      exec unshare --net sh -c "ip link set lo up
        ip link add guest0 type veth peer name peer0; ip link set guest0 up; ip addr add 169.254.0.21/30 dev guest0
        exec node_modules/.bin/bun bench/ports.ts \"\$@\"" sh "$@"' sh "$@"
    ;;
  restore)
    test/guest.sh --prepare
    exec node_modules/.bin/bun bench/restore.ts "$@"
    ;;
  rpc)
    compile s floor-process floor/process.c
    compile s floor-directory floor/directory.c
    compile 2 rpc-client rpc/client.c
    exec node_modules/.bin/bun bench/rpc.ts "$@"
    ;;
  boot)
    bench/boot/prepare.sh
    exec node_modules/.bin/bun bench/boot.ts "$@"
    ;;
esac
