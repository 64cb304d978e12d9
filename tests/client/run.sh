#!/bin/sh
# run.sh — the JavaScript client against real gateways: fetches what it needs once, then runs the tests.
# SPDX-License-Identifier: MIT
#
# usage: CHRONOGATE=build/check/gateway/chronogate CHRONOFEED=… tests/client/run.sh [NODE-OPTION…]
#
# Needs node, npm and redis-server. The tests take half a minute, end within two and leave no
# process and no file behind, and no download but tests/client/node_modules.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
CHRONOGATE=$(realpath "${CHRONOGATE:?must name the gateway to test}")
CHRONOFEED=$(realpath "${CHRONOFEED:?must name the feeder, which brings the function library}")
cd "$here"

# Several build trees may come here at once: one fetches, the others wait.
(
    flock -w 120 9
    cmp -s package-lock.json node_modules/.installed || {
        timeout 120 npm ci --ignore-scripts --no-audit --no-fund
        cp package-lock.json node_modules/.installed
    }
) 9<.

TMPDIR=$(mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
export CHRONOGATE CHRONOFEED TMPDIR

# timeout puts the tests into a process group of its own and ends all of it.
concurrency=
! node --test-concurrency=3 --version >/dev/null 2>&1 || concurrency=--test-concurrency=3
timeout -k 5 90 node --test $concurrency --test-reporter=spec "$@" ./*.test.js &
test=$!
trap 'kill "$test"; wait "$test" || exit 1' INT TERM
wait "$test"
