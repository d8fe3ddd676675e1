#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh build      configures native-build/target/cmake once and brings it up to date
# build.sh noop       brings only the driver that does nothing up to date, which takes seconds
# build.sh test       runs its tests
# build.sh sanitize   builds the simulator and its tests with AddressSanitizer and UndefinedBehaviorSanitizer in
#                     native-build/target/sanitize, and runs them
# Quiet when all is well, except for one line: what is missing, or CTest's summary. KOFN_BUILD_JOBS limits parallel jobs,
# KOFN_ARCHITECTURES is the list of compute capabilities that "build" compiles machine code for, as "80;90".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder="$here/target/cmake"
jobs=${KOFN_BUILD_JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}

missing=""
command -v cmake >/dev/null 2>&1 || missing="$missing cmake"
command -v "${CXX:-c++}" >/dev/null 2>&1 || missing="$missing C++-compiler"
command -v ninja >/dev/null 2>&1 || command -v make >/dev/null 2>&1 || missing="$missing ninja-or-make"
if [ -n "$missing" ]; then
  [ "${1:-}" = test ] || echo "native-build skipped: not found:$missing. The CUDA kernels and the simulated device are not built."
  exit 0
fi

# Configures a folder, unless that was done: configure FOLDER [CMAKE-OPTION]
configure() {
  if [ ! -f "$1/CMakeCache.txt" ]; then
    generator="Unix Makefiles"
    if command -v ninja >/dev/null 2>&1; then generator=Ninja; fi
    quietly cmake -S "$here" -B "$1" -G "$generator" "${2:--Wdev}"
  fi
}

# Configures a folder and brings it up to date: update FOLDER [CMAKE-OPTION]
update() {
  configure "$@"
  quietly cmake --build "$1" --parallel "$jobs"
}

# Configures a folder again that was configured for other architectures.
retarget() {
  [ -n "${KOFN_ARCHITECTURES:-}" ] && [ -f "$1/CMakeCache.txt" ] || return 0
  grep -qxF "KOFN_ARCHITECTURES:STRING=$KOFN_ARCHITECTURES" "$1/CMakeCache.txt" ||
    quietly cmake "-DKOFN_ARCHITECTURES=$KOFN_ARCHITECTURES" "$1"
}

# Runs the tests of a folder.
check() {
  log=$(mktemp)
  if (cd "$1" && ctest --output-on-failure --parallel "$jobs" >"$log" 2>&1); then
    grep -E 'tests passed|No tests were found' "$log"
    rm -f "$log"
  else
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
}

# Runs a command; shows what it printed only when it fails.
quietly() {
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    status=$?
    cat "$log" >&2
    rm -f "$log"
    exit "$status"
  fi
}

case "${1:-}" in
  build)
    [ -f "$folder/CMakeCache.txt" ] || command -v nvcc >/dev/null 2>&1 || [ -x "${CUDA_HOME:-/nonexistent}/bin/nvcc" ] ||
      echo "native-build: no nvcc; the CUDA kernels are not compiled, tests that need compiled kernels are skipped."
    retarget "$folder"
    update "$folder" ${KOFN_ARCHITECTURES:+"-DKOFN_ARCHITECTURES=$KOFN_ARCHITECTURES"}
    ;;
  noop)
    configure "$folder"
    quietly cmake --build "$folder" --parallel "$jobs" --target noop_driver
    ;;
  test)
    check "$folder"
    ;;
  sanitize)
    update "$here/target/sanitize" -DKOFN_SANITIZE=ON
    check "$here/target/sanitize"
    ;;
  *)
    echo "usage: build.sh build|noop|test|sanitize" >&2
    exit 2
    ;;
esac
