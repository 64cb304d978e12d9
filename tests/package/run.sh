#!/bin/sh
# SPDX-License-Identifier: MIT
# The package for Debian in a root of its own: installed, started as the units say, upgraded, removed.
#
#   tests/package/run.sh
#
# systemd does not run there: one that notes what it is asked stands in for systemctl. Processes, mounts
# and the root's files are in namespaces of their own, so nothing is left however this ends. Where no
# such root can be made it says why, and ends with 77.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
began=$(date +%s)

say() { echo "package: $(($(date +%s) - began)) s: $*"; }
skip() {
    echo "package: skipped: $*"
    exit 77
}
fail() {
    echo "package: $*" >&2
    exit 1
}
if [ "${1-}" != --inside ]; then
    apart='unshare --mount --pid --fork --kill-child --mount-proc'
    $apart true 2>/dev/null || skip 'no namespaces can be made here'
    work=$(mktemp -d /tmp/chronogate-package.XXXXXX)
    trap 'kill -KILL $! 2>/dev/null || true; wait; rmdir "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    $apart "$0" --inside "$work" &
    wait $!
    exit
fi
work=$2
mount -t tmpfs -o mode=755 tmpfs "$work" || skip 'no memory for its files'
chroot=$work/root
# shellcheck disable=SC1091
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

cd "$root"
cmake --workflow --preset package >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" && exit 1; }
mkdir "$work/old" "$work/new"
cp build/package/chronogate_*.deb "$work/old/"
(cd "$work/new" && cpack -G DEB -R 99.0.0 --config "$root/build/package/CPackConfig.cmake" \
    -B "$work/new" >>"$work/build.log" 2>&1)
say "built $(cd "$work/old" && ls -s --block-size=1K ./*.deb)"

# Units as they will be found, with the programs in their places.
apart=$work/units
mkdir -p "$apart"
dpkg -x "$work"/old/*.deb "$apart"
for unit in chronogate@9100.service chronofeed.service; do
    case $unit in *@*) file=chronogate@.service ;; *) file=$unit ;; esac
    sed "s|/usr/bin/chrono|$apart/usr/bin/chrono|" "$apart/usr/lib/systemd/system/$file" >"$work/$unit"
    systemd-analyze verify --man=no "$work/$unit" >"$work/verify.log" 2>&1 || fail "$(cat "$work/verify.log")"
    [ ! -s "$work/verify.log" ] || fail "$(cat "$work/verify.log")"
    exposure=$(systemd-analyze security --offline=true "$work/$unit" 2>/dev/null |
        sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
    [ "$(echo "$exposure" | tr -d .)" -le 20 ] || fail "$unit: exposure $exposure"
    say "$unit: verified, exposure $exposure of 10"
done

why=$("$root/tests/debian-root.sh" "$suite" "$chroot") || case $? in
77) skip "$why" ;;
*) fail "$why" ;;
esac
cp /etc/resolv.conf "$chroot/etc/" 2>/dev/null || true
mount -t proc proc "$chroot/proc" || skip 'proc cannot be mounted'
mkdir -p "$chroot/run/systemd/system"
cat >"$chroot/usr/bin/systemctl" <<'END'
#!/bin/sh
echo "$*" >>/systemctl.log
[ "$1" != list-units ] || printf '%s loaded active running x\n' chronogate@9100.service chronogate@9101.service
END
chmod 755 "$chroot/usr/bin/systemctl"
say "a root of $suite"

inside() { chroot "$chroot" env DEBIAN_FRONTEND=noninteractive UPGRADE_PAUSE=0 "$@"; }
apt() { inside apt-get -q -y "$@" </dev/null >>"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" && exit 1; }; }
asked() { # what systemctl was asked, in one line, and forgets it
    paste -sd';' "$chroot/systemctl.log" 2>/dev/null || true
    rm -f "$chroot/systemctl.log"
}
expect() { [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"; }
start_line() { sed -n 's/^ExecStart=//p' "$chroot/usr/lib/systemd/system/$1"; }

apt update
cp "$work"/old/*.deb "$chroot/old.deb"
cp "$work"/new/*.deb "$chroot/new.deb"
apt install --no-install-recommends /old.deb
expect 'an installation starts nothing' 'daemon-reload' "$(asked)"
expect 'modes' '600 600' "$(stat -c %a "$chroot"/etc/chronogate/*.env | paste -sd' ')"
inside chronogate -n
inside chronofeed -n
say "installed"

# As the units start them, with the settings of /etc/chronogate, as nobody.
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
admin=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$work" >"$work/redis.log" 2>&1 &
cat >>"$chroot/etc/chronogate/gateway.env" <<END
CHRONOGATE_REDIS=redis://127.0.0.1:$port
CHRONOGATE_LISTEN=127.0.0.1:0
CHRONOGATE_CONSOLE=127.0.0.1:0
END
printf 'CHRONOFEED_REDIS=redis://127.0.0.1:%s\n' "$port" >>"$chroot/etc/chronogate/feeder.env"
start() { # unit, settings, instance
    line=$(start_line "$1" | sed "s/%i/$3/")
    # shellcheck disable=SC2046,SC2086
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin $(grep -v '^#' "$chroot/etc/chronogate/$2") \
        chroot --userspec=65534:65534 "$chroot" $line >"$work/$2.log" 2>&1 &
}
wait_for() { # what, command
    what=$1
    shift
    for _ in $(seq 100); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    cat "$work"/*.env.log
    fail "waited in vain: $what"
}
ready() { /usr/bin/python3 -c "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:$admin/readyz', timeout=2)"; }
fed() { redis-cli -p "$port" exists 'history:{stock.AAPL.1m}' | grep -q 1; }
start chronogate@.service gateway.env "$admin"
gateway=$!
start chronofeed.service feeder.env ''
feeder=$!
wait_for 'the gateway is ready' ready
wait_for 'the feeder publishes' fed
say "started as the units say: ready, and publishing"

cp "$chroot/etc/chronogate/gateway.env" "$work/mine"
apt install --no-install-recommends /new.deb
expect 'an upgrade restarts what runs, one by one' \
    "daemon-reload;list-units --plain --no-legend --state=active chronogate@*.service chronofeed.service;restart chronogate@9100.service;restart chronogate@9101.service" \
    "$(asked)"
cmp -s "$work/mine" "$chroot/etc/chronogate/gateway.env" || fail "an upgrade changed the settings"
# shellcheck disable=SC2016
expect 'the new version' 99.0.0 "$(inside dpkg-query -W -f '${Version}' chronogate)"
ready || fail "what ran before the upgrade does not run on"
say "upgraded: settings kept, gateways restarted one by one"

kill "$gateway" "$feeder"
for pid in $gateway $feeder; do
    wait "$pid" || fail "it ended with $?: $(cat "$work"/*.env.log)"
done
apt remove chronogate
expect 'a removal stops all' 'stop chronogate@*.service chronofeed.service;daemon-reload' "$(asked)"
[ -e "$chroot/etc/chronogate/gateway.env" ] || fail 'a removal took the settings'
[ ! -e "$chroot/usr/bin/chronogate" ] || fail 'a removal left the program'
apt purge chronogate
asked >/dev/null
left=$(find "$chroot" -xdev \( -path "$chroot/proc" -o -path "$chroot/var/log" \) -prune -o -iname '*chrono[gf]*' -print)
expect 'what a purge leaves' '' "$left"
say "removed, and nothing left"
