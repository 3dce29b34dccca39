# shellcheck shell=bash
# What an agent in Python would add to an image: Debian's python3 and all that it depends on, by apt's own reckoning.

# python_cost ARCH STATUS: such as "13.8 MB compressed, 50.6 MB unpacked". STATUS is the dpkg status file of the image,
# or of an image without packages does not exist yet. "an unknown amount" where apt has no package lists.
python_cost() {
  local debian status=$2 said download installed
  debian=$(debian_arch "$1")
  # python3-minimal depends on dpkg, for its installation alone.
  [ -e "$status" ] || printf '%s: %s\n' Package dpkg Status 'install ok installed' Architecture "$debian" \
    Multi-Arch foreign Maintainer nobody Version 99 Description none >"$status"
  said=$(apt-get -o Dir::State::status="$status" -o APT::Architecture="$debian" -o APT::Architectures="$debian" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=1 \
    install --no-install-recommends --assume-no python3 2>/dev/null) || true
  download=$(sed -n 's/^Need to get \(.*\) of archives.*/\1/p' <<<"$said")
  installed=$(sed -n 's/^After this operation, \(.*\) of additional.*/\1/p' <<<"$said")
  [ -n "$installed" ] && echo "$download compressed, $installed unpacked" || echo "an unknown amount"
}
