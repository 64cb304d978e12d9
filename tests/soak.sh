#!/bin/sh
# SPDX-License-Identifier: MIT
# Churn for a long time, first with the release build, whose memory must stay flat, then with
# the sanitizers, which find what is lost.
#
#   tests/soak.sh                 ten minutes each
#   tests/soak.sh 60              a minute each
set -eu
cd "$(dirname -- "$0")/.."

deploy/deps.sh --test
for preset in release check; do
    cmake --preset "$preset" > /dev/null
    cmake --build --preset "$preset" > /dev/null
    echo "== $preset"
    CHRONOGATE="$PWD/build/$preset/gateway/chronogate" \
    CHRONOFEED="$PWD/build/$preset/feeder/chronofeed" SOAK_SECONDS="${1:-600}" \
        /usr/bin/python3 -B -m pytest -q -s -p no:cacheprovider tests/cluster/test_soak.py
done
