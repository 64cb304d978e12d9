#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds with sanitizers and runs every test; the last line is CTest's summary.
#
#   tests/run.sh                  everything
#   tests/run.sh -R unit          what CTest selects with these options
set -eu
cd "$(dirname -- "$0")/.."

deploy/deps.sh --test
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
if [ $# -eq 0 ]; then
    exec cmake --workflow --preset check
fi
cmake --preset check
cmake --build --preset check
exec ctest --preset check "$@"
