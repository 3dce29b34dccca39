#!/bin/sh
# Measures the agent beside its C floors: ./bench/run.sh [--quick]; bench/README.md says what each row is.
set -eu
cd "$(dirname "$0")/.."

[ -x dist/mote-x86_64 ] || ./build.sh x86_64

for tool in musl-gcc taskset; do
  command -v "$tool" >/dev/null || { echo "bench: $tool is missing (apt-get install musl-tools util-linux)" >&2; exit 1; }
done

mkdir -p build/bench
for floor in ping run upload download asleep; do
  musl-gcc -Os -static -s -Wall -Wextra -o "build/bench/floor-$floor" "bench/floor/$floor.c"
done
musl-gcc -O2 -static -s -Wall -Wextra -o build/bench/client bench/client.c

exec node_modules/.bin/bun bench/run.ts "$@"
