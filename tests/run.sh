#!/bin/bash
# Installs what is lacking, builds, and passes the tests of the release build; then runs the fuzzers for a few seconds each.
#
#   tests/run.sh             both              tests/run.sh release           only this
#   tests/run.sh asan tsan tidy                the same tests under ASan/UBSan and TSan; clang-tidy over every source
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/install.sh
install build test

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(release fuzz)

build() { cmake --preset "$1" >/dev/null && cmake --build --preset "$@"; }

for step in "${steps[@]}"; do
  echo "== $step"
  case $step in
    release) build release && ctest --test-dir build/release --output-on-failure -LE long -j 2 ;;
    asan | tsan) build "$step" && ctest --test-dir "build/$step" --output-on-failure -LE 'long|release' -j 2 ;;
    fuzz) build fuzz --target fuzzers && tests/fuzz/run.sh "${FUZZ_SECONDS:-5}" ;;
    tidy) tests/tidy.sh ;;
    *) echo "no such step: $step" >&2; exit 1 ;;
  esac
done
