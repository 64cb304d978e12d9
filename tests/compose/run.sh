#!/bin/sh
# SPDX-License-Identifier: MIT
# docker-compose.yml as it is, with a real engine: scaled, rolled, killed and taken down under load.
#
#   tests/compose/run.sh
#
# Takes the engine that runs, or installs Debian's and starts one of its own, which leaves nothing
# behind. Where no registry can be reached, it makes the base image from Debian's packages, and others
# that stand in for the official ones. Where no engine can be had it says why, and ends with 77.
# COMPOSE_TEST_DIR=DIR keeps the engine's images in DIR for the next run; COMPOSE='docker compose' takes
# the plugin where docker-compose is there, too.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
here=$root/tests/compose
limit=900
engine='' standins='' replaced='' child='' beside='' no_services=''
began=$(date +%s)

say() { echo "compose: $(($(date +%s) - began)) s: $*"; }
skip() {
    echo "compose: skipped: $*"
    exit 77
}
# Whoever waits for us may end us at once when it has waited too long: we end in order before that.
[ "${1-}" = --limited ] || exec timeout --foreground -k 60 $limit "$0" --limited
work=$(mktemp -d /tmp/chronogate-compose.XXXXXX)
data=${COMPOSE_TEST_DIR:-$work/data}

# What an engine of ours would change, and has to be put back.
places='/etc/docker /etc/docker/key.json /opt/containerd /run/containerd /run/docker'
switches='/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding'
bridges() { ip -o link show type bridge | sed 's/^[0-9]*: \([^:@]*\).*/\1/'; }
as_it_is() {
    for tool in iptables ip6tables; do
        $tool-save >"$work/$tool" 2>/dev/null || rm -f "$work/$tool"
    done
    for place in $places; do
        [ -e "$place" ] || echo "$place"
    done >"$work/places"
    # shellcheck disable=SC2086
    grep -H . $switches >"$work/switches" 2>/dev/null || true
    bridges >"$work/bridges"
    [ -e "$work/iptables" ]
}
as_found() {
    for tool in iptables ip6tables; do
        [ -e "$work/$tool" ] || continue
        for table in filter nat; do
            grep -q "^\*$table" "$work/$tool" || case $table in
            filter) printf '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n' ;;
            nat) printf '*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n' ;;
            esac
        done | cat "$work/$tool" - | $tool-restore || true
        # Even an empty table of addresses makes the kernel track every connection.
        grep -q '^\*nat' "$work/$tool" || $tool -t nat -X 2>/dev/null || true
    done
    for bridge in $(bridges | grep -vxFf "$work/bridges"); do
        ip link delete "$bridge" || true
    done
    while IFS=: read -r switch value; do
        echo "$value" >"$switch" || true
    done <"$work/switches"
    xargs -r rm -rf <"$work/places"
}
finish() {
    status=$?
    trap '' HUP INT TERM
    trap - EXIT
    for pid in $child $beside; do
        kill -- "-$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    [ -z "$no_services" ] || rm -f "$no_services"
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null || true
        wait "$engine" || true
        as_found
    else
        for image in $replaced; do # ours go, and those of the same name come back
            ours=$(docker image inspect --format '{{.Id}}' "${image%%=*}") || continue
            [ "$ours" != "${image#*=}" ] || continue
            docker tag "${image#*=}" "${image%%=*}" || docker image rm "${image%%=*}" || true
            docker image rm "$ours" || true
        done >/dev/null 2>&1
        # shellcheck disable=SC2086
        [ -z "$standins" ] || docker image rm $standins >/dev/null 2>&1 || true
    fi
    rm -rf --one-file-system "$work" 2>/dev/null || say "cannot remove all of $work"
    exit "$status"
}
trap finish EXIT
# Ctrl-C comes twice, from the terminal and from timeout.
trap 'trap "" HUP INT TERM; say "told to end"; exit 1' HUP INT TERM

# Runs a command in a group of processes of its own, which a signal to us ends.
run() {
    setsid "$@" &
    child=$!
    code=0
    wait $child || code=$?
    child=''
    return $code
}
logged() { # its output only if it fails
    run "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log" && exit 1; }
}

apt() {
    env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 "$@" </dev/null >>"$work/apt.log" 2>&1
}
provide() { # the engine, if it can be installed without starting it
    command -v dockerd >/dev/null && command -v docker >/dev/null &&
        { command -v docker-compose || docker compose version; } >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || return 1
    # A service that the package starts would be in our way, and stay.
    [ -e /usr/sbin/policy-rc.d ] || { no_services=/usr/sbin/policy-rc.d &&
        printf '#!/bin/sh\nexit 101\n' >$no_services && chmod +x $no_services; }
    apt update || true
    packages='docker.io docker-compose iptables iproute2'
    # In Debian 13 the client is a package of its own.
    [ -z "$(apt-cache madison docker-cli 2>/dev/null)" ] || packages="$packages docker-cli"
    # shellcheck disable=SC2086
    apt install --no-install-recommends $packages || return
    [ -z "$no_services" ] || rm -f "$no_services"
    no_services=''
    say "installed Debian's engine"
}
start_engine() {
    [ "$(id -u)" -eq 0 ] || skip 'no engine is running, and only root can start one'
    # Two engines would take each other's bridges and rules: one run at a time.
    exec 9</tmp
    flock -w $((limit / 2)) 9 || skip 'another run does not end'
    provide || skip "Debian's docker.io cannot be installed"
    as_it_is || skip 'no iptables in this kernel'
    export DOCKER_HOST="unix://$work/docker.sock"
    # Away from the terminal's Ctrl-C, as what runs in it is to be taken down first.
    setsid setpriv --pdeathsig TERM dockerd --host "$DOCKER_HOST" --data-root "$data" \
        --exec-root "$work/exec" --pidfile "$work/docker.pid" >"$work/dockerd.log" 2>&1 9<&- &
    engine=$!
    for _ in $(seq 120); do
        docker info >/dev/null 2>&1 && return
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.5
    done
    skip "dockerd does not start here: $(grep -E 'level=(fatal|error)|failed' "$work/dockerd.log" | tail -n 1)"
}
have() { docker image inspect "$1" >/dev/null 2>&1; }
made_here() { [ -n "$(docker image ls -q --filter label=chronogate.standin "$1")" ]; }

# What npm here needs to reach its registry, for the npm in the base image; nothing that is secret.
npm_settings() {
    command -v npm >/dev/null || return 0
    npm config get registry proxy https-proxy noproxy strict-ssl | grep -vE '=(null|undefined)?$|@' || true
    ca=$(npm config get cafile)
    [ -r "$ca" ] || ca=${NODE_EXTRA_CA_CERTS:-}
    [ ! -r "$ca" ] || { cp "$ca" "$work/ca.crt" && echo cafile=/etc/npm-ca.crt; }
}
base_image() {
    have debian:trixie-slim && return
    timeout 30 docker pull -q debian:trixie-slim >/dev/null 2>&1 && return
    command -v mmdebstrap >/dev/null || {
        apt update || true
        apt install --no-install-recommends mmdebstrap
    } ||
        skip 'no registry and no mmdebstrap'
    npm_settings >"$work/npmrc"
    : >>"$work/ca.crt"
    # Without documents, as the official image.
    run "$root/tests/debian-root.sh" trixie "$work/base.tar" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook="upload $work/npmrc /root/.npmrc" \
        --customize-hook="upload $work/ca.crt /etc/npm-ca.crt" >"$work/log" || case $? in
        77) skip "no registry, and $(cat "$work/log")" ;;
        *) cat "$work/log" && exit 1 ;;
        esac
    docker import --change 'LABEL chronogate.standin=1' "$work/base.tar" debian:trixie-slim >/dev/null
    rm -f "$work/base.tar"
    standins="$standins debian:trixie-slim"
    say "a base image from Debian's packages"
}
official() { # the compose file's image of $1
    sed -n "s|^ *image: \(\(.*/\)*$1:.*\)|\1|p" "$root/docker-compose.yml"
}
to_stand_in() { # names of official images that cannot be had
    for name in redis haproxy prometheus; do
        image=$(official $name)
        have "$image" ||
            { ! made_here debian:trixie-slim && timeout 120 docker pull -q "$image" >/dev/null 2>&1; } ||
            echo $name
    done
}

# BuildKit makes the stages of an image side by side; not every client that is found has it.
build_side_by_side() {
    for client in $(which -a docker); do
        image=$(printf 'FROM scratch\nLABEL chronogate.test=1\n' |
            DOCKER_BUILDKIT=1 "$client" build -q - 2>/dev/null) || continue
        docker image rm "$image" >/dev/null 2>&1 || true
        PATH=${client%/*}:$PATH
        export DOCKER_BUILDKIT=1
        return
    done
}

docker info >/dev/null 2>&1 || start_engine
build_side_by_side
if [ -z "${COMPOSE:-}" ]; then
    COMPOSE='docker compose'
    ! command -v docker-compose >/dev/null || COMPOSE=docker-compose
fi
export COMPOSE
engine_is=$(docker info --format '{{.ServerVersion}}, {{.Driver}}' 2>/dev/null)
say "engine $engine_is, $COMPOSE $($COMPOSE version --short)${DOCKER_BUILDKIT:+, BuildKit}"
base_image

# The images that stand in for others, the slow part of which they share, are made beside ours.
missing=$(to_stand_in)
if [ -n "$missing" ]; then
    setsid docker build -q --target packages -f "$here/standins.Dockerfile" "$here" >/dev/null 2>&1 &
    beside=$!
fi
for image in chronogate chronofeed; do
    replaced="$replaced $image=$(docker image inspect --format '{{.Id}}' $image 2>/dev/null || true)"
done
cd "$root"
# shellcheck disable=SC2086
logged $COMPOSE build
[ -z "$beside" ] || wait $beside || true # it is seen below
beside=''
for name in $missing; do
    logged docker build -t "$(official "$name")" --target "$name" -f "$here/standins.Dockerfile" "$here"
    standins="$standins $(official "$name")"
done
say "built: $(docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sort | paste -sd, -)"

# Where npm reaches its registry from here, it must have done so in the image.
if made_here debian:trixie-slim && gateway/console/chart-library/fetch.sh "$work/chart" 2>/dev/null &&
    [ -e "$work/chart/installed.json" ]; then
    export CHART="$work/chart/lightweight-charts.js"
fi
run /usr/bin/python3 -B "$here/scenario.py" || {
    [ -z "$engine" ] || tail -n 5 "$work/dockerd.log"
    exit 1
}
say "all of it"
