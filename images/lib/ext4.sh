# shellcheck shell=bash
# A directory as an ext4 image, the same bytes for the same directory (mke2fs(8), debugfs(8)).

# Named one by one, and without /etc/mke2fs.conf, so that the file system depends on nobody's settings; all of them are
# known to every kernel since 4.4.
EXT4_FEATURES=none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super
EXT4_FEATURES=$EXT4_FEATURES,large_file,huge_file,dir_nlink,extra_isize,metadata_csum

# uuid_of NAME: a UUID that depends on the name alone (RFC 9562, version 8).
uuid_of() {
  local hash
  hash=$(printf %s "$1" | sha256sum)
  echo "${hash:0:8}-${hash:8:4}-8${hash:13:3}-8${hash:17:3}-${hash:20:12}"
}

# make_ext4 TREE FILE MIB NAME OWNER: owner `root` gives everything to root, `tree` keeps the tree's owners.
make_ext4() {
  local tree=$1 file=$2 size=$3 uuid owner=$5 wrong
  uuid=$(uuid_of "$4")
  rm -f "$file"
  # The image is sparse. Its inode tables read as zeros, so the guest's kernel need not zero them.
  wrong=$(MKE2FS_CONFIG=/dev/null E2FSPROGS_FAKE_TIME=$IMAGE_TIME mke2fs -q -F -b 4096 -I 256 -i 8192 -m 0 \
    -O $EXT4_FEATURES -E "hash_seed=$uuid,root_owner=0:0,lazy_itable_init=0,assume_storage_prezeroed=1" \
    -U "$uuid" -d "$tree" "$file" "${size}M" 2>&1) || die "$wrong"
  wrong=$(finish "$tree" "$owner" | E2FSPROGS_FAKE_TIME=$IMAGE_TIME debugfs -w -f - "$file" 2>&1 >/dev/null | sed 1d)
  [ -z "$wrong" ] || die "$file: $wrong"
  e2fsck -fn "$file" >/dev/null 2>&1 || die "$file: e2fsck finds errors"
}

# finish TREE OWNER: debugfs commands for what depends on the place of the build: change times, which nobody can set, a
# builder's own user id, and the count of bytes written. And for /dev/console, which only root could make in the tree.
finish() {
  local name field
  printf '%s\n' "set_current_time @$IMAGE_TIME" "ssv kbytes_written 0"
  printf '%s\n' "cd /dev" "mknod console c 5 1" "sif console mode 020600"
  { printf '%s\n' "" dev/console lost+found; find "$1" -mindepth 1 -printf '%P\n'; } | while IFS= read -r name; do
    name="\"/${name//\"/\"\"}\""
    for field in atime ctime mtime crtime; do echo "sif $name $field @$IMAGE_TIME"; done
    [ "$2" != root ] || printf 'sif %s uid 0\nsif %s gid 0\n' "$name" "$name"
  done
}
