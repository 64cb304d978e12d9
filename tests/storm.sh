#!/bin/sh
# SPDX-License-Identifier: MIT
# Everything that may fail, in turn and at full size, with the release build; the table at the
# end says what the clients saw of it.
#
#   tests/storm.sh                ten minutes
#   tests/storm.sh 120            two minutes, or as long as it takes until each fault has been
set -eu
cd "$(dirname -- "$0")/.."

deploy/deps.sh --test
cmake --preset release > /dev/null
cmake --build --preset release > /dev/null
CHRONOGATE="$PWD/build/release/gateway/chronogate" \
CHRONOFEED="$PWD/build/release/feeder/chronofeed" STORM_SECONDS="${1:-600}" \
STORM_CLIENTS="${STORM_CLIENTS:-200}" STORM_RATE="${STORM_RATE:-1000}" \
    /usr/bin/python3 -B -m pytest -q -s -p no:cacheprovider tests/cluster/test_storm.py
