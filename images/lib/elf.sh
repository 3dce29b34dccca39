# shellcheck shell=bash
# What an ELF header says: the architecture, and whether the program needs an interpreter (elf(5)).

# elf_number FILE OFFSET SIZE: a little-endian number of the file; nothing when the file ends before it.
elf_number() { od -An -v --endian=little -t "u$3" -j "$2" -N "$3" "$1" 2>/dev/null | tr -d ' \n' || true; }

# elf_machine FILE: x86_64, aarch64, "machine N", or nothing when the file is no 64-bit little-endian ELF file.
elf_machine() {
  local machine
  # Magic number, class 2 (64 bits), data 1 (little-endian).
  [ "$(od -An -v -t x1 -N 6 "$1" 2>/dev/null | tr -d ' \n')" = 7f454c460201 ] || return 0
  machine=$(elf_number "$1" 18 2)
  case $machine in
    62) echo x86_64 ;;
    183) echo aarch64 ;;
    *) echo "machine $machine" ;;
  esac
}

# elf_interpreter FILE: the path in its PT_INTERP header; nothing for a static program, a static PIE too.
elf_interpreter() {
  local file=$1 table size count i at
  table=$(elf_number "$file" 32 8) size=$(elf_number "$file" 54 2) count=$(elf_number "$file" 56 2)
  { [ "$size" = 56 ] && [ "${count:-0}" -ge 1 ] && [ "$count" -le 64 ]; } ||
    die "$file: its program headers make no sense"
  for ((i = 0; i < count; i++)); do
    at=$((table + i * size))
    [ "$(elf_number "$file" "$at" 4)" = 3 ] || continue
    # p_filesz and p_offset.
    size=$(elf_number "$file" $((at + 32)) 8)
    at=$(elf_number "$file" $((at + 8)) 8)
    dd if="$file" iflag=skip_bytes,count_bytes skip="$at" count="$size" status=none | tr -d '\0'
    return
  done
}

# check_agent FILE ARCH: dies unless the file is a static program for that architecture. A sum beside it must match.
check_agent() {
  local file=$1 arch=$2 machine interpreter type
  [ -f "$file" ] || die "$file: no such file"
  machine=$(elf_machine "$file")
  [ -n "$machine" ] || die "$file is not a 64-bit ELF program"
  [ "$machine" = "$arch" ] || die "$file is for $machine, but the root is $arch"
  type=$(elf_number "$file" 16 2)
  [ "$type" = 2 ] || [ "$type" = 3 ] || die "$file is an ELF file but no program (type $type)"
  interpreter=$(elf_interpreter "$file")
  [ -z "$interpreter" ] || die "$file is dynamically linked: it asks for $interpreter, which a guest need not have"
  [ ! -f "$file.sha256" ] || [ "$(cut -d ' ' -f 1 "$file.sha256")" = "$(sha256sum <"$file" | cut -d ' ' -f 1)" ] ||
    die "$file is not what $file.sha256 names"
}
