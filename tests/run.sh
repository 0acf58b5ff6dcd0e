#!/bin/bash
# Installs what is lacking, builds, and passes every test: the release build's, then the same code under ASan/UBSan and
# TSan, the fuzzers for a few seconds each, and clang-tidy.
#
#   tests/run.sh             everything        tests/run.sh release asan      only these
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/install.sh
install build test

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(release asan tsan fuzz tidy)

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
