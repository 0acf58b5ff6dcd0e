#!/bin/bash
# tests/differential/lines_test.sh: what tests/lines says of nft, nft is asked: each line is loaded into a namespace of its own making,
# and taken or refused as it stands there. What this kernel lacks is not asked. tests/unit/rules_lines_test.cc holds us to the same lines.
#
# Skipped (77) without root, nft 1.0.6 or network namespaces.
set -u
self=$(readlink -f "$0")
cd "$(dirname "$self")/../lines"
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ "$(nft --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+')" = 1.0.6 ] || { echo "skipped: needs nft 1.0.6"; exit 77; }
[ "${IN_NAMESPACE:-}" = yes ] || exec env IN_NAMESPACE=yes unshare -n "$self"
nft flush ruleset 2>/dev/null || { echo "skipped: no network namespace to be had"; exit 77; }
asked=0 failed=0

spec() {
  case $1 in
    inp) echo "type filter hook input priority 0" ;;
    outp) echo "type filter hook output priority 0" ;;
    forw) echo "type filter hook forward priority 0" ;;
    pre) echo "type filter hook prerouting priority -150" ;;
    post) echo "type filter hook postrouting priority 0" ;;
    npre) echo "type nat hook prerouting priority -100" ;;
    nout) echo "type nat hook output priority -100" ;;
    nin) echo "type nat hook input priority 100" ;;
    npost) echo "type nat hook postrouting priority 100" ;;
    ingr) echo "type filter hook ingress device lo priority 0" ;;
  esac
}

ask() {  # WORD LINE
  case $1 in ok | less) wanted=0 ;; fail | more) wanted=1 ;; *) return ;; esac
  printf 'flush ruleset\n%s%s%s\n' "$before" "$begin" "${2//\\n/$'\n'}" | nft -f - >/dev/null 2>&1
  got=$?
  asked=$((asked + 1))
  [ $got = $wanted ] && return
  failed=$((failed + 1))
  echo "FAILED $begin$2: nft ends with $got, $1 is written"
}

for file in *.lines; do
  before="" begin=""
  while IFS= read -r line; do
    case $line in
      "" | "#"*) ;;
      whole) before="" begin="" ;;
      "in "*)
        read -r _ family chain <<<"$line"
        before=$(printf 'add table %s t\nadd chain %s t %s { %s; }\n_' "$family" "$family" "$chain" "$(spec "$chain")")
        before=${before%_} begin="add rule $family t $chain "
        ;;
      "with "*) before=$before${line#with }$'\n' ;;
      *) ask "${line%% *}" "$(sed -E 's/^[a-z]+ +//' <<<"$line")" ;;
    esac
  done <"$file"
done
nft flush ruleset
echo "$asked lines asked of nft, $failed failed"
[ $asked -gt 1500 ] && [ $failed = 0 ]
