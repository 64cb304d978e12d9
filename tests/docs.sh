#!/bin/sh
# SPDX-License-Identifier: MIT
# The tables of settings in README.md are those of the programs.
# Usage: docs.sh SOURCE_DIR SETTINGS_TABLE [--write]
# With --write the README is brought up to date instead.
set -eu
readme=$1/README.md
program=$2
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT

tables() {
    awk -v program="$program" '
        /^<!-- settings: [a-z]+ -->$/ {
            print
            print ""
            command = "\"" program "\" " $3
            while ((command | getline line) > 0) print line
            if (close(command) != 0) exit 1
            print ""
            skipping = 1
            found++
        }
        /^<!-- end of settings -->$/ { skipping = 0 }
        !skipping
        END { if (found != 2) exit 1 }' "$readme"
}
tables >"$wanted"
if [ "${3-}" = --write ]; then
    cat "$wanted" >"$readme"
elif ! diff -u "$readme" "$wanted"; then
    echo "docs: README.md is out of date; run: tests/docs.sh . '$program' --write"
    exit 1
fi
