#!/bin/sh
# SPDX-License-Identifier: MIT
# The benchmark: gets what it needs, builds, measures, prints a table. README.md tells what and how.
#
#   tests/bench/run.sh [--quick] [--only WORKLOAD]... [--candidates A,B] [--rounds N]
#
# Leaves build/bench/results.json, results.svg and RESULTS.md.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
cd "$root"
out=build/bench
mkdir -p "$out/peers"

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
missing=''
for package in redis-server nginx libnginx-mod-nchan iproute2 nodejs; do
    case $package in nodejs) command -v node >/dev/null && continue ;; esac
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "bench: installing$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # it is a list
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >"$out/apt.log"
fi

deploy/deps.sh --build
{
    cmake --preset release
    cmake --build --preset release
    cmake -S tests/bench -B "$out/tools"
    cmake --build "$out/tools"
} >"$out/build.log" || {
    tail -20 "$out/build.log" >&2
    exit 1
}

if ! cmp -s tests/bench/peers/package-lock.json "$out/peers/node_modules/.installed"; then
    cp tests/bench/peers/package.json tests/bench/peers/package-lock.json "$out/peers/"
    (cd "$out/peers" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1)
    cp tests/bench/peers/package-lock.json "$out/peers/node_modules/.installed"
fi

exec /usr/bin/python3 -B tests/bench/bench.py "$@"
