#!/bin/bash
# Installs what is lacking, builds, and passes every test of the release build; then, under ASan/UBSan, those that run in
# one process, and the fuzzers for a few seconds each ($FUZZ_SECONDS).
#
#   tests/run.sh                               tests/run.sh release           only this step
#   tests/run.sh asan-all                      every test under ASan/UBSan, real processes too
#   tests/run.sh tsan                          under TSan the tests in which threads meet
#   tests/run.sh tsan-all                      and every other one (processes share no thread: little to find)
#   tests/run.sh tidy                          clang-tidy over every source
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/install.sh
install build test

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(release asan)

in_one_process=(packet_test pcap_test conntrack_test home_test router_test rules_run_test rules_text_test nat_test foreseen_test translate_test header_edit_test fragments_test edges_test lanes_test answers_test topology_test pcap_sink_test command_line_test
  commit_test stage_test layout_test chain_test ring_test loop_test rpc_test keeper_test holder_test)
threaded=(loop_test doorbell_test cancel_test kj_port_test rpc_test ring_test commit_test stage_test keeper_test)

build() {
  local begin=$SECONDS
  cmake --preset "$1" >/dev/null && cmake --build --preset "$@" && echo "== $1: built in $((SECONDS - begin)) s"
}
# preset, then tests: only these
tests_of() {
  local preset=$1 all
  shift
  all=$(IFS='|'; echo "$*")
  ctest --test-dir "build/$preset" --output-on-failure -R "^($all)\$" -j 2
}
everything() { build "$1" && ctest --test-dir "build/$1" --output-on-failure -LE 'long|release' -j 2; }

for step in "${steps[@]}"; do
  begin=$SECONDS
  echo "== $step"
  case $step in
    release) build release && ctest --test-dir build/release --output-on-failure -LE long -j 2 ;;
    asan)
      build asan --target "${in_one_process[@]}" simulate fuzzers
      tests_of asan "${in_one_process[@]}"
      ASAN_OPTIONS=detect_leaks=0 build/asan/bin/simulate seeds --count 200
      tests/fuzz/run.sh "${FUZZ_SECONDS:-5}"
      ;;
    tsan) build tsan --target "${threaded[@]}" && tests_of tsan "${threaded[@]}" ;;
    asan-all | tsan-all) everything "${step%-all}" ;;
    tidy) tests/tidy.sh ;;
    *) echo "no such step: $step" >&2; exit 1 ;;
  esac
  echo "== $step: passed in $((SECONDS - begin)) s"
done
