#!/bin/sh
# run.sh — the console in a real browser: fetches its driver once, then runs the tests.
# SPDX-License-Identifier: MIT
#
# usage: CHRONOGATE=build/check/gateway/chronogate CHRONOFEED=… tests/browser/run.sh [OUTPUT-DIRECTORY]
#
# Needs node, npm, chromium, redis-server and redis-cli. The tests take a minute and a half, end
# within four whatever happens, and leave no process behind, no file but pictures of the page in
# OUTPUT-DIRECTORY (default build/browser) and no download but tests/browser/node_modules.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
CHRONOGATE=$(realpath "${CHRONOGATE:?must name the gateway to test}")
CHRONOFEED=$(realpath "${CHRONOFEED:?must name the feeder that gives it prices}")
OUTPUT=$(realpath -m "${1:-$here/../../build/browser}")
mkdir -p "$OUTPUT"
cd "$here"

# Several build trees may come here at once: one fetches, the others wait.
(
    flock -w 120 9
    cmp -s package-lock.json node_modules/.installed || {
        timeout 120 npm ci --ignore-scripts --no-audit --no-fund
        cp package-lock.json node_modules/.installed
    }
) 9<.

# A browser told to end may still be writing its profile: hence the second rm.
TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR" 2>/dev/null || { sleep 3; rm -rf "$TMPDIR"; }' EXIT
export CHRONOGATE CHRONOFEED OUTPUT TMPDIR

# timeout puts each into a process group of its own and ends all of it.
for each in console live; do
    timeout -k 5 120 node --test --test-reporter=spec "$each.test.js" || exit 1
done &
test=$!
trap 'kill "$test"; wait "$test" || exit 1' INT TERM
wait "$test"
