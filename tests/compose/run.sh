#!/bin/sh
# SPDX-License-Identifier: MIT
# docker-compose.yml as it is, with a real engine: scaled, rolled, killed and taken down under load.
#
#   tests/compose/run.sh
#
# Takes the engine that runs, or installs Debian's and starts one of its own, which leaves nothing
# behind. Where no registry can be reached, it makes the base image from Debian's packages, and others
# that stand in for the official ones. Where no engine can be had it says why, and ends with 77.
# COMPOSE_TEST_DIR=DIR keeps the engine's images in DIR for the next run.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
here=$root/tests/compose
engine='' standins=''
began=$(date +%s)

say() { echo "compose: $(($(date +%s) - began)) s: $*"; }
skip() {
    echo "compose: skipped: $*"
    exit 77
}
work=$(mktemp -d /tmp/chronogate-compose.XXXXXX)
data=${COMPOSE_TEST_DIR:-$work/data}

as_found() { # the firewall and the routing as they were before the engine
    for table in filter nat; do
        grep -q "^\*$table" "$work/iptables" || case $table in
        filter) printf '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n' ;;
        nat) printf '*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n' ;;
        esac
    done | cat "$work/iptables" - | iptables-restore || true
    # Even an empty table of addresses makes the kernel track every connection.
    grep -q '^\*nat' "$work/iptables" || iptables -t nat -X 2>/dev/null || true
    ip link delete docker0 2>/dev/null || true
    cat "$work/forward" >/proc/sys/net/ipv4/ip_forward 2>/dev/null || true
}
finish() {
    status=$?
    trap - EXIT
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null || true
        wait "$engine" 2>/dev/null || true
        as_found
    elif [ -n "$standins" ]; then
        # shellcheck disable=SC2086
        docker image rm $standins >/dev/null 2>&1 || true
    fi
    rm -rf "$work" 2>/dev/null || say "cannot remove all of $work"
    exit "$status"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

install() {
    env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 install --no-install-recommends "$@" </dev/null >>"$work/apt.log" 2>&1
}
provide() { # the engine, if it can be installed without starting it
    command -v dockerd >/dev/null && command -v docker >/dev/null &&
        { command -v docker-compose || docker compose version; } >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || return 1
    # A service that the package starts would be in our way, and stay.
    ran=yes
    [ -e /usr/sbin/policy-rc.d ] || { ran=no && printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d &&
        chmod +x /usr/sbin/policy-rc.d; }
    apt-get -q update >>"$work/apt.log" 2>&1 || true
    packages='docker.io docker-compose iptables iproute2'
    # In Debian 13 the client is a package of its own.
    [ -z "$(apt-cache madison docker-cli 2>/dev/null)" ] || packages="$packages docker-cli"
    # shellcheck disable=SC2086
    installed=yes && install $packages || installed=no
    [ $ran = yes ] || rm -f /usr/sbin/policy-rc.d
    [ $installed = yes ]
}
start_engine() {
    [ "$(id -u)" -eq 0 ] || skip 'no engine is running, and only root can start one'
    provide || skip "Debian's docker.io cannot be installed"
    iptables-save >"$work/iptables" 2>/dev/null || skip 'no iptables in this kernel'
    cat /proc/sys/net/ipv4/ip_forward >"$work/forward"
    export DOCKER_HOST="unix://$work/docker.sock"
    dockerd --host "$DOCKER_HOST" --data-root "$data" --exec-root "$work/exec" \
        --pidfile "$work/docker.pid" >"$work/dockerd.log" 2>&1 &
    engine=$!
    for _ in $(seq 60); do
        docker info >/dev/null 2>&1 && return
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.5
    done
    skip "dockerd does not start here: $(grep -E 'level=(fatal|error)|failed' "$work/dockerd.log" | tail -n 1)"
}
compose() {
    if command -v docker-compose >/dev/null; then docker-compose "$@"; else docker compose "$@"; fi
}
have() { docker image inspect "$1" >/dev/null 2>&1; }

base_image() {
    have debian:trixie-slim && return
    timeout 30 docker pull -q debian:trixie-slim >/dev/null 2>&1 && return
    command -v debootstrap >/dev/null || install debootstrap || skip 'no registry and no debootstrap'
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian|Debian|//p' | sort -u | head -n 1)
    [ -n "$mirror" ] || skip 'no registry and no Debian mirror'
    include=''
    case $mirror in https:*) include=--include=ca-certificates ;; esac
    # As in the official image: no documents, and dpkg does not wait for the disk.
    mkdir -p "$work/base/etc/dpkg/dpkg.cfg.d"
    echo force-unsafe-io >"$work/base/etc/dpkg/dpkg.cfg.d/speed"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$work/base/etc/dpkg/dpkg.cfg.d/slim"
    debootstrap --variant=minbase $include trixie "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
        { tail -n 5 "$work/debootstrap.log" && exit 1; }
    apt-config dump Acquire | grep -i '::proxy' >"$work/base/etc/apt/apt.conf.d/90proxy" || true
    rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/* "$work"/base/var/log/* \
        "$work"/base/usr/share/doc/* "$work"/base/usr/share/man/* "$work"/base/usr/share/locale/*
    tar -C "$work/base" -c . | docker import - debian:trixie-slim >/dev/null
    rm -rf "$work/base"
    standins="$standins debian:trixie-slim"
    say "a base image from debootstrap"
}
official() { # the compose file's image of $1, or one that stands in for it
    image=$(sed -n "s|^ *image: \(\(.*/\)*$1:.*\)|\1|p" "$root/docker-compose.yml")
    have "$image" && return
    case " $standins " in
    *" debian:trixie-slim "*) ;;
    *) timeout 120 docker pull -q "$image" >/dev/null 2>&1 && return ;;
    esac
    docker build -q -t "$image" - <"$here/standin-$1.Dockerfile" >"$work/build.log" 2>&1 ||
        { tail -n 20 "$work/build.log" && exit 1; }
    standins="$standins $image"
    say "$image from Debian's packages"
}

docker info >/dev/null 2>&1 || start_engine
docker info --format 'compose: engine {{.ServerVersion}}, {{.Driver}}' 2>/dev/null || true
base_image
for name in redis haproxy prometheus; do
    official $name
done
cd "$root"
compose build >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" && exit 1; }
say "built: $(docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sort | paste -sd, -)"
/usr/bin/python3 -B "$here/scenario.py" || {
    [ -z "$engine" ] || tail -n 5 "$work/dockerd.log"
    exit 1
}
say "all of it"
