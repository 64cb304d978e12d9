#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The whole system on one machine: installs what is missing, builds, starts Redis, gateways and a
# feeder, and shows that ticks flow. Ctrl-C stops everything it started.
#
#   deploy/quickstart.sh [options]
#     --gateways N       gateway processes, all on the same port          (1)
#     --redis URL        use this Redis instead of a private one
#     --port P           clients connect here                             (8000)
#     --console-port P   the page /websocket-test                         (3000)
#     --admin-port P     health and metrics; gateway N has P + N - 1      (9100)
#     --rate N           ticks per second of the random walk beside the real data (200)
#     --help
set -eu -o pipefail

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"

gateways=1 redis_url='' port=8000 console_port=3000 admin_port=9100 rate=200
build_log=build/quickstart.log
data=feeder/data/aapl.csv data_speed=86400 # a day of trading each second
run_dir=''
declare -A names=() # pid → what runs there
order=()            # pids, oldest first
ticker=''           # pid of the sleep between two lines

say() { echo "quickstart: $*"; }
die() {
    echo "${clear_line:-}quickstart: $*" >&2
    exit 1
}

# Takes an option's value and checks that it is a number from 1 to $3.
number() {
    if ! [[ $2 =~ ^[0-9]{1,9}$ ]] || ((10#$2 < 1 || 10#$2 > $3)); then
        die "$1 wants a number from 1 to $3, not '$2'"
    fi
    echo $((10#$2))
}

parse_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help)
            sed -n '3,14s/^# \{0,1\}//p' "$0"
            exit
            ;;
        --*=*)
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            continue
            ;;
        --gateways | --redis | --port | --console-port | --admin-port | --rate) ;;
        *) die "unknown option $1 (--help lists them)" ;;
        esac
        [ $# -ge 2 ] || die "$1 wants a value"
        case $1 in
        --gateways) gateways=$(number "$1" "$2" 64) ;;
        --redis) redis_url=$2 ;;
        --port) port=$(number "$1" "$2" 65535) ;;
        --console-port) console_port=$(number "$1" "$2" 65535) ;;
        --admin-port) admin_port=$(number "$1" "$2" 65000) ;;
        --rate) rate=$(number "$1" "$2" 1000000) ;;
        esac
        shift 2
    done
}

# True when something listens on the port. (Our own listeners share ports, so binding would not tell.)
taken() {
    local hex
    printf -v hex '%04X' "$1"
    grep -qsE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6
}

check_ports() {
    local n
    ! taken "$port" || die "port $port is taken; stop what listens there or choose another with --port"
    ! taken "$console_port" ||
        die "port $console_port is taken; stop what listens there or choose another with --console-port"
    for ((n = 0; n < gateways; n++)); do
        ! taken $((admin_port + n)) ||
            die "port $((admin_port + n)) is taken; stop what listens there or choose another with --admin-port"
    done
}

build() {
    local jobs
    jobs=$(nproc)
    [ -x build/release/gateway/chronogate ] || say "building (details: $build_log)"
    {
        # --fresh: the checkout may have been moved since its last build
        { cmake --preset release || cmake --preset release --fresh; } &&
            cmake --build --preset release -j "$jobs"
    } >"$build_log" 2>&1 || die "the build failed; the end of $build_log says why"
}

# Starts a program under a name, away from the terminal's Ctrl-C (we tell it to stop, once) and
# bound to our own life.
start() {
    local name=$1
    shift
    setsid setpriv --pdeathsig TERM "$@" </dev/null >"$run_dir/$name.log" 2>&1 &
    names[$!]=$name
    order+=($!)
}

alive() { kill -0 "$1" 2>/dev/null; }

# Sends TERM to all given processes, waits up to 8 s, then KILL.
stop() {
    local pid tenths
    for pid; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid; do
        for ((tenths = 0; tenths < 80; tenths++)); do
            alive "$pid" || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

clean_up() {
    local status=$? n late=() redis=()
    trap '' INT TERM HUP EXIT
    for ((n = ${#order[@]} - 1; n >= 0; n--)); do
        case ${names[${order[n]}]} in
        redis) redis+=("${order[n]}") ;;
        *) late+=("${order[n]}") ;;
        esac
    done
    if [ ${#order[@]} -gt 0 ]; then
        echo "${clear_line:-}quickstart: stopping"
    fi
    [ -z "$ticker" ] || kill "$ticker" 2>/dev/null || true
    stop "${late[@]}"
    stop "${redis[@]}" # last, so that the others need not report its loss
    [ -z "$run_dir" ] || rm -rf "$run_dir"
    exit "$status"
}

last_words() { tail -n 1 "$run_dir/$1.log" 2>/dev/null || true; }

# Ends the script when the process is gone.
must_live() {
    alive "$1" || die "${names[$1]} has ended: $(last_words "${names[$1]}")"
}

start_redis() {
    local try tenths redis_port
    for try in 1 2 3 4 5; do
        redis_port=$((20000 + RANDOM % 12000))
        ! taken $redis_port || continue
        start redis redis-server --port $redis_port --bind 127.0.0.1 --save '' --appendonly no \
            --dir "$run_dir" --daemonize no
        for ((tenths = 0; tenths < 100; tenths++)); do
            if [ "$(redis-cli -p $redis_port PING 2>/dev/null)" = PONG ]; then
                redis_url=redis://127.0.0.1:$redis_port
                return
            fi
            must_live "${order[-1]}"
            sleep 0.1
        done
        break
    done
    die "the private redis-server (try $try) does not answer; --redis URL uses one of yours"
}

# Prints the body of http://127.0.0.1:$1$2; succeeds when its status is 200.
fetch() {
    local line status=''
    {
        printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
        while IFS= read -r -t 2 line || [ -n "$line" ]; do
            line=${line%$'\r'}
            [ -n "$status" ] || status=$line
            [ -n "$line" ] || break
        done <&3
        timeout 2 cat <&3
    } 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    [[ $status == *' 200 '* ]]
}

wait_until_ready() {
    local n tenths answer=''
    for ((n = 0; n < gateways; n++)); do
        for ((tenths = 0; tenths < 100; tenths++)); do
            answer=$(fetch $((admin_port + n)) /readyz 2>/dev/null) && continue 2
            must_live "${gateway_pids[n]}"
            sleep 0.1
        done
        die "gateway-$((n + 1)) is not ready after 10 s: ${answer:-no answer} $(last_words "gateway-$((n + 1))")"
    done
}

start_gateways() {
    local n
    gateway_pids=()
    export CHRONOGATE_REDIS=$redis_url # not an argument: it may hold a password
    for ((n = 0; n < gateways; n++)); do
        start "gateway-$((n + 1))" build/release/gateway/chronogate --listen "0.0.0.0:$port" \
            --console "0.0.0.0:$console_port" --admin "127.0.0.1:$((admin_port + n))"
        gateway_pids+=("${order[-1]}")
    done
    wait_until_ready
}

# Replays the shipped real prices; the symbols they do not have walk at random.
start_feeder() {
    export CHRONOFEED_REDIS=$redis_url
    start feeder build/release/feeder/chronofeed --source replay,walk --rate "$rate" \
        --file "$data" --speed "$data_speed" --loop
}

show_addresses() {
    local shown=$redis_url try='redis-cli'
    [[ $shown =~ ^([a-z]+://)[^/]*@(.*)$ ]] && shown="${BASH_REMATCH[1]}…@${BASH_REMATCH[2]}"
    case $redis_url in
    unix://*) try="redis-cli -s ${redis_url#unix://}" ;;
    *) try="redis-cli -u $shown" ;;
    esac
    cat <<END
ChronoGate runs. Ctrl-C stops everything.

  clients   ws://localhost:$port/api/v1/ws/{client_id}
  page      http://localhost:$console_port/websocket-test
  metrics   http://localhost:$admin_port/metrics
  redis     $shown

Try: open the page, connect, subscribe to stock.AAPL.1m. Or publish a feed of your own:
  $try PUBLISH stock.TEST.1m '{"price":1}'

END
}

# Prints how many messages were published so far, as Redis counted them; nothing when it may not say.
published() {
    local how=(-u "$redis_url")
    case $redis_url in unix://*) how=(-s "${redis_url#unix://}") ;; esac
    timeout 2 redis-cli "${how[@]}" --no-auth-warning INFO commandstats 2>/dev/null |
        sed -n 's/^cmdstat_fcall:calls=\([0-9]*\).*/\1/p'
}

# Sets `sent` and `clients`, summed over the gateways.
read_metrics() {
    local n sums
    sums=$(for ((n = 0; n < gateways; n++)); do fetch $((admin_port + n)) /metrics 2>/dev/null || true; done |
        awk '$1 ~ /^chronogate_messages_sent_total/ { sent += $2 }
             $1 ~ /^chronogate_connections($|\{)/ { clients += $2 }
             END { printf "%d %d\n", sent, clients }')
    sent=${sums% *} clients=${sums#* }
}

# One line a second on a terminal, updated in place; otherwise one every 5 s. Returns when a child ends.
watch_flow() {
    local now before=0 p sent clients last_p=0 last_sent=0 every=1 ended
    [ -t 1 ] || every=5
    while true; do
        sleep $every &
        ticker=$!
        wait -n -p ended "${order[@]}" $ticker || true
        [ "${ended:-}" = "$ticker" ] || return 0
        now=${EPOCHREALTIME/[.,]/}
        p=$(published || true)
        read_metrics
        if ((before > 0)); then
            printf '%s%(%H:%M:%S)T  published %s/s, delivered %d/s, clients %d%s' "$clear_line" -1 \
                "$(per_second "${p:-}" "$last_p")" "$(per_second "$sent" "$last_sent")" "$clients" "$line_end"
        fi
        before=$now last_p=${p:-0} last_sent=$sent
    done
}

# (now - before) events in (now - before) microseconds, per second; "?" when unknown.
per_second() {
    if [ -z "$1" ]; then
        echo '?'
    elif [ "$1" -lt "$2" ]; then
        echo 0
    else
        echo $((($1 - $2) * 1000000 / (now - before)))
    fi
}

parse_options "$@"
check_ports
deploy/deps.sh --build --run
mkdir -p build
build

clear_line='' line_end=$'\n'
[ ! -t 1 ] || clear_line=$'\r\e[K' line_end=''
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
run_dir=$(mktemp -d build/run.XXXXXX)

[ -n "$redis_url" ] || start_redis
start_gateways
start_feeder
show_addresses
watch_flow
for pid in "${order[@]}"; do
    must_live "$pid"
done
