#!/bin/sh
# SPDX-License-Identifier: MIT
# The floor plan of ARCHITECTURE.md, as a test. Usage: layering.sh SOURCE_DIR
#   stairs: a file includes only modules on a lower floor, so no include cycle can exist;
#   doors:  a third-party library is included from its own modules only;
#   walls:  a pure module includes no module that does I/O; gateway/ and feeder/ never meet;
#   size:   no file of 800 lines, tests and console included.
set -eu
cd "$1"

floor() {
    case $1 in
    common/json | common/table) echo 0 ;;
    common/log | common/topic) echo 1 ;;
    common/conf_row | common/feed | common/loop | common/redis_url) echo 2 ;;
    common/conf | common/link | common/wsloop) echo 3 ;;
    common/bus) echo 4 ;;

    gateway/frame) echo 2 ;;
    gateway/bucket | gateway/console | gateway/host | gateway/members | gateway/places) echo 3 ;;
    gateway/reader | gateway/request | gateway/sequence | gateway/stats | gateway/topic_list) echo 3 ;;
    gateway/addresses | gateway/config | gateway/listener | gateway/networks | gateway/origins) echo 4 ;;
    gateway/bar_page | gateway/outq | gateway/proto | gateway/topic_page) echo 4 ;;
    gateway/shelf | gateway/visitor) echo 4 ;;
    gateway/forwarded | gateway/hub | gateway/probe | gateway/upgrade) echo 5 ;;
    gateway/session) echo 6 ;;
    gateway/client_list | gateway/clock | gateway/stream_read | gateway/usage) echo 7 ;;
    gateway/admin | gateway/api_page | gateway/catalog | gateway/clients | gateway/history) echo 8 ;;
    gateway/bar_site | gateway/relay | gateway/topic_site) echo 9 ;;
    gateway/server) echo 10 ;;
    gateway/main) echo 11 ;;

    feeder/zone) echo 1 ;;
    feeder/calendar | feeder/decimal) echo 2 ;;
    feeder/columns | feeder/payload | feeder/file | feeder/marks | feeder/object) echo 3 ;;
    feeder/outbox | feeder/peer | feeder/progress | feeder/refusal | feeder/seen | feeder/tempo) echo 3 ;;
    feeder/address | feeder/roster | feeder/trade_ids | feeder/trust) echo 3 ;;
    feeder/bar | feeder/tick | feeder/venue | feeder/weights) echo 4 ;;
    feeder/backlog | feeder/config | feeder/line | feeder/row | feeder/series | feeder/summary) echo 5 ;;
    feeder/bars | feeder/csv | feeder/entry | feeder/lease | feeder/ndjson | feeder/resolver) echo 6 ;;
    feeder/source) echo 6 ;;
    feeder/inquiry | feeder/lines | feeder/past | feeder/prices | feeder/tape | feeder/walk) echo 7 ;;
    feeder/herald | feeder/wire) echo 7 ;;
    feeder/lanes | feeder/publisher | feeder/replay | feeder/strand) echo 8 ;;
    feeder/exchange | feeder/pump) echo 9 ;;
    feeder/main) echo 10 ;;
    *) echo none ;;
    esac
}
door() {
    case $1 in
    libwebsockets*) echo common/wsloop feeder/wire gateway/clients ;;
    hiredis/*) echo common/bus common/link ;;
    event2/*) echo common/link common/loop common/wsloop feeder/resolver gateway/listener gateway/visitor ;;
    json-c/*) echo feeder/payload feeder/venue gateway/proto ;;
    uthash*) echo common/table ;;
    zlib.h) echo feeder/file ;;
    *) echo any ;;
    esac
}
does_io() {
    case $1 in
    common/loop | common/link | common/bus | common/wsloop) return 0 ;;
    gateway/listener | gateway/visitor) return 0 ;;
    gateway/api_page | gateway/bar_site | gateway/catalog | gateway/clients | gateway/clock | gateway/history | gateway/probe) return 0 ;;
    gateway/relay | gateway/server | gateway/stream_read | gateway/topic_site | gateway/usage | gateway/main) return 0 ;;
    feeder/entry | feeder/inquiry | feeder/lanes | feeder/lease | feeder/past) return 0 ;;
    feeder/publisher | feeder/pump | feeder/resolver | feeder/wire | feeder/main) return 0 ;;
    esac
    return 1
}

bad=0
checked=0
say() {
    echo "layering: $*"
    bad=1
}
check_include() { # file module floor include
    it=${4%.h}
    theirs=$(floor "$it")
    if [ "$theirs" = none ]; then
        case $4 in common/* | gateway/* | feeder/*) say "$1 includes $4, which has no room" ;; esac
        allowed=$(door "$4")
        case " $allowed " in
        *" any "* | *" $2 "*) ;;
        *) say "$1 may not include <$4>; its doors are: $allowed" ;;
        esac
        return
    fi
    [ "$it" = "$2" ] && return
    [ "$theirs" -lt "$3" ] || say "$1 (floor $3) may not include $4 (floor $theirs)"
    if does_io "$it" && ! does_io "$2"; then say "$1 is pure and may not include $4"; fi
    case ${2%%/*}:${it%%/*} in
    gateway:feeder | feeder:gateway | common:gateway | common:feeder)
        say "$1: $4 belongs to another house" ;;
    esac
}
for file in $(find common gateway feeder -name '*.[ch]' | sort); do
    module=${file%.[ch]}
    mine=$(floor "$module")
    checked=$((checked + 1))
    if [ "$mine" = none ]; then
        say "$file has no room in the floor plan"
        continue
    fi
    for include in $(sed -n 's/^#[ ]*include *["<]\([^">]*\)[">].*/\1/p' "$file"); do
        check_include "$file" "$module" "$mine" "$include"
    done
done
for file in $(find common gateway feeder tests -name node_modules -prune -o \
    \( -name '*.[ch]' -o -name '*.py' -o -path 'gateway/console/*.js' \) -print | sort); do
    [ "$(wc -l <"$file")" -lt 800 ] || say "$file has 800 lines or more: which noun is hiding?"
done
[ "$checked" -gt 0 ] || say "no file was found"
[ "$bad" = 0 ] && echo "layering: $checked files, every arrow points down"
exit "$bad"
