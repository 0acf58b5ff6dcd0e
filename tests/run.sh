#!/bin/bash
# Installs what is lacking, builds, and passes every test in the release build and under ASan/UBSan; then runs the fuzzers for a
# few seconds each.
#
#   tests/run.sh                               tests/run.sh release           only this step
#   tests/run.sh tsan                          under TSan the tests in which threads meet
#   tests/run.sh tsan-all                      and every other one (processes share no thread: little to find)
#   tests/run.sh tidy                          clang-tidy over every source
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/install.sh
install build test

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(release asan fuzz)

threaded=(loop_test doorbell_test cancel_test kj_port_test rpc_test ring_test commit_test stage_test keeper_test)

build() { cmake --preset "$1" >/dev/null && cmake --build --preset "$@"; }

for step in "${steps[@]}"; do
  echo "== $step"
  case $step in
    release) build release && ctest --test-dir build/release --output-on-failure -LE long -j 2 ;;
    asan) build asan && ctest --test-dir build/asan --output-on-failure -LE 'long|release' -j 2 ;;
    tsan) build tsan --target "${threaded[@]}" && ctest --test-dir build/tsan --output-on-failure -R "^($(IFS='|'; echo "${threaded[*]}"))\$" ;;
    tsan-all) build tsan && ctest --test-dir build/tsan --output-on-failure -LE 'long|release' -j 2 ;;
    fuzz) build fuzz --target fuzzers && tests/fuzz/run.sh "${FUZZ_SECONDS:-5}" ;;
    tidy) tests/tidy.sh ;;
    *) echo "no such step: $step" >&2; exit 1 ;;
  esac
done
