#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches the console's chart library, in the version of package-lock.json, into a directory.
#
# usage: fetch.sh DIRECTORY
#
# Leaves lightweight-charts.js and lightweight-charts.LICENSE.txt there, and does nothing when they
# are. Without npm, or without a network, it says so and leaves an empty library instead: the console
# is built all the same and tells its reader that there is no chart. The next build tries again.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=$1
name=lightweight-charts
mkdir -p "$out"
out=$(CDPATH='' cd -- "$out" && pwd)

cmp -s "$here/package-lock.json" "$out/installed.json" && exit 0
rm -f "$out/installed.json"

if command -v npm >/dev/null && rm -rf "$out/npm" && mkdir "$out/npm" &&
    cp "$here/package.json" "$here/package-lock.json" "$out/npm" &&
    (cd "$out/npm" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund --prefer-offline \
        --fetch-retries=1 --fetch-timeout=20000) >"$out/npm.log" 2>&1; then
    package=$out/npm/node_modules/$name
    cp "$package/dist/$name.standalone.production.mjs" "$out/$name.js"
    cp "$package/LICENSE" "$out/$name.LICENSE.txt"
    cp "$here/package-lock.json" "$out/installed.json"
    rm -rf "$out/npm"
    exit 0
fi
rm -rf "$out/npm"
echo "console: $name could not be fetched (npm? network? see $out/npm.log): built without the chart" >&2
none='export const createChart = null;'
[ "$(cat "$out/$name.js" 2>/dev/null)" = "$none" ] || {
    echo "$none" >"$out/$name.js"
    echo "Not in this build." >"$out/$name.LICENSE.txt"
}
