#!/usr/bin/env bash
# Mutated messages in every codec of connect/, with AddressSanitizer: protobuf, its JSON, envelopes, gzip; and events of inotify(7).
# usage: test/fuzz/codecs.sh [COUNT] [SEED] [FIRST]   a million messages, a seed of the day, from 0
#
# Message n depends on SEED and n alone: `codecs.sh 1 SEED n` repeats one.
set -euo pipefail
cd "$(dirname "$0")/../.."

count=${1:-1000000}
seed=${2:-$(date +%s)}
first=${3:-0}

./build.sh codecs >&2
echo "codecs: $count messages from $first, seed $seed"
ASAN_OPTIONS=exitcode=99:detect_leaks=1 build/asan/codecs "$count" "$seed" "$first"
