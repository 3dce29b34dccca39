// A root file system of the test's own, which may be frozen.

/** The root becomes an ext4 of the test's own, in which everything else of this machine is mounted. */
export const ownRoot = `
truncate -s 32M $DIR/disk
mkfs.ext4 -q $DIR/disk
mkdir $DIR/root
mount -o loop $DIR/disk $DIR/root
cd $DIR/root
mkdir old
for name in /*; do
  if [ -L $name ]; then cp -a $name .$name
  elif [ -d $name ]; then mkdir -p .$name; mount --rbind $name .$name
  fi
done
pivot_root . old
umount -l /old
`;
