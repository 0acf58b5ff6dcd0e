# deploy/install.sh: installs what a bare Debian 12 lacks of the packages that are named. Sourced.
#
#   install build        to build and run          install build test     and to pass every test

packages_build="build-essential cmake ninja-build pkg-config ccache liburing-dev libcapnp-dev capnproto libpcap-dev zlib1g-dev
  libjemalloc-dev libboost-test-dev libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libtomlplusplus-dev
  libsodium-dev libexpected-dev bison re2c netbase"
packages_test="clang clang-tidy libclang-rt-14-dev tshark iproute2 nftables conntrack procps util-linux jq"
packages_bench="linux-perf jq iproute2 nftables procps tcpreplay"

install() {
  wanted=
  for group in "$@"; do
    eval "list=\$packages_$group"
    for package in $list; do
      dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || wanted="$wanted $package"
    done
  done
  [ -z "$wanted" ] && return 0
  as_root=
  if [ "$(id -u)" != 0 ]; then as_root=sudo; fi
  $as_root apt-get update -q
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $wanted
}
