#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file is as clang-format would write it. Usage: format.sh SOURCE_DIR
set -eu
cd "$1"
find common gateway feeder tests -name '*.[ch]' -not -path '*/node_modules/*' -print0 |
    xargs -0 clang-format --dry-run -Werror
