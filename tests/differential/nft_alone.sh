# tests/differential/nft_alone.sh: what tests that ask nft itself, without packets, begin with; to be sourced behind `cd`.
#
#   nft_alone KIND    ends the test with 77 where nft or namespaces cannot be had; sets $name, a namespace that is there, and $work, a
#                     folder; both go when the test ends
nft_alone() {
  [ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
  command -v nft >/dev/null || { echo "skipped: needs nft"; exit 77; }
  name=bulkhead-$1-$$
  ip netns add "$name" 2>/dev/null || { echo "skipped: no network namespace to be had"; exit 77; }
  work=$(mktemp -d)
  trap 'ip netns del "$name"; rm -rf "$work"' EXIT
  ip netns exec "$name" true 2>/dev/null || { echo "skipped: a network namespace cannot be entered"; exit 77; }
}
