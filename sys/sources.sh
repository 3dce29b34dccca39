# shellcheck shell=bash
# For build.sh: the C that comes with the compiler, as this program has it, below build/. $RUNTIME is where it comes from.

# The runtime's sources, but the head of a string, of which the program has more than a thousand as constants, is 12 bytes
# instead of 24. The count of a constant, all ones, is as it was: it is compared as a number with a sign. And nobody looks
# for cycles of references when the first one may be there: in the first milliseconds there are none. Nor is a clock read
# before main for process.uptime(), which nothing asks for.
runtime_sources() {
  local file copy
  mkdir -p build/runtime
  for file in "$RUNTIME"/src/*.[ch]; do
    copy=build/runtime/${file##*/}
    [ "$copy" -nt "$file" ] && [ "$copy" -nt sys/sources.sh ] && continue
    sed -z 's/size_t rc;[ \n]*size_t len;[ \n]*size_t cap;/int32_t rc; uint32_t len; uint32_t cap;/g
      s/scr_cyc_trigger = 0;/scr_cyc_trigger = SCR_CYC_NURSERY_CANDIDATES;/
      s/__attribute__((constructor)) \(static void scr_uptime_anchor_init\)/\1/' "$file" >"$copy"
  done
}

# zlib's sources, but every stream is compressed at the level, by the strategy and with the header of sys/deflate.c: what
# others take is left out. And the tables of codes are computed when the first stream needs them.
zlib_sources() {
  local file copy
  mkdir -p build/zlib
  for file in "$RUNTIME"/vendor/zlib/*.[ch]; do
    copy=build/zlib/${file##*/}
    [ "$copy" -nt "$file" ] && [ "$copy" -nt sys/sources.sh ] && continue
    sed -z 's/s->level == 0 ? deflate_stored[^;]*/deflate_slow(s, flush)/
      s/deflate_\(stored\|fast\)}/deflate_slow}/g
      s/s->status == \(INIT\|EXTRA\|NAME\|COMMENT\|HCRC\)_STATE/0/g
      s/s->gzhead == Z_NULL/1/g
      s/defined(GEN_TREES_H) || !defined(STDC)/1/g
      s/local ct_data static_ltree\[\|static code fixed\[/__attribute__((section(".bss.large"))) &/g' "$file" >"$copy"
  done
}
