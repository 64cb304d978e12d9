#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what ChronoGate needs, and only what is missing.
#
#   deploy/deps.sh --build   compiler, CMake and the libraries
#   deploy/deps.sh --run     redis-server, certificates to trust
#   deploy/deps.sh --test    both, and every tool the tests use
#
# libwebsockets and hiredis come from the distribution where it has them new enough (Debian 13).
# Where it has not (Debian 12), Debian 13's own patched sources are fetched from the machine's
# Debian mirror, verified by the hashes of apt's signed index and built into .deps/, which CMake
# searches first. Needs neither root nor network when nothing is missing. Details: build/deps.log.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
prefix=$root/.deps
log=$root/build/deps.log

build_packages='build-essential cmake pkg-config libevent-dev libjson-c-dev libssl-dev zlib1g-dev
    uthash-dev'
run_packages='redis-server redis-tools ca-certificates tzdata'
test_packages='check libsubunit-dev git clang clang-format clang-tidy libclang-rt-dev
    python3 python3-pytest python3-websockets nodejs chromium haproxy prometheus
    procps shellcheck openssl mmdebstrap dpkg-dev systemd'
command -v npm >/dev/null || test_packages="$test_packages npm" # other nodejs packages bring theirs

# What is built from source when the package is too old: source, place, package, minimum, CMake options.
source_suite=trixie
libraries='libwebsockets libwebsockets_client hiredis'
about_libwebsockets() {
    source=libwebsockets into=$prefix package=libwebsockets-dev minimum=4.3
    # Only a server of WebSockets: what else it can do costs every connection memory.
    options='-DLWS_WITH_SHARED=OFF -DLWS_WITHOUT_TESTAPPS=ON -DLWS_WITHOUT_CLIENT=ON
        -DLWS_WITH_SSL=OFF -DLWS_WITH_HTTP2=OFF -DLWS_WITHOUT_EXTENSIONS=ON -DLWS_WITH_CONMON=OFF
        -DLWS_WITH_SYS_SMD=OFF -DLWS_WITH_UDP=OFF -DLWS_WITH_FILE_OPS=OFF -DDISABLE_WERROR=ON'
}
about_libwebsockets_client() { # the feeder's, beside the gateway's: the package is both in one
    source=libwebsockets into=$prefix/client package=libwebsockets-dev minimum=4.3
    options='-DLWS_WITH_SHARED=OFF -DLWS_WITHOUT_TESTAPPS=ON -DLWS_WITHOUT_SERVER=ON
        -DLWS_WITH_SSL=ON -DLWS_IPV6=ON -DLWS_WITH_HTTP2=OFF -DLWS_WITHOUT_EXTENSIONS=ON
        -DLWS_WITH_CONMON=OFF -DLWS_WITH_SYS_SMD=OFF -DLWS_WITH_UDP=OFF -DLWS_WITH_FILE_OPS=OFF
        -DDISABLE_WERROR=ON'
}
about_hiredis() {
    source=hiredis into=$prefix package=libhiredis-dev minimum=1.1
    options='-DBUILD_SHARED_LIBS=OFF -DENABLE_SSL=ON -DDISABLE_TESTS=ON'
}
common_options='-DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON'
common_cflags='-g -fstack-protector-strong -D_FORTIFY_SOURCE=2'

say() { echo "deps: $*"; }
die() {
    echo "deps: $*" >&2
    exit 1
}
usage() { sed -n '3,7s/^# \{0,1\}//p' "$0"; }

# Runs a command with its output in the log only.
logged() {
    echo "+ $*" >>"$log"
    "$@" >>"$log" 2>&1
}

# Prints those of the given packages that are not installed.
missing_of() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        awk -v wanted="$*" '
            $1 == "installed" { have[$2] = 1 }
            END { n = split(wanted, w, /[ \n]+/); for (i = 1; i <= n; i++) if (!(w[i] in have)) print w[i] }'
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=30 "$@" </dev/null
}

need_root_for() {
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "not root and no sudo; run once as root: apt-get install -y $*"
}

updated=no
update_lists() { # a third-party source that is away must not stop us: the install decides
    [ $updated = yes ] || logged apt update || true
    updated=yes
}

install_packages() {
    # shellcheck disable=SC2046
    set -- $(missing_of "$@")
    [ $# -gt 0 ] || return 0
    need_root_for "$@"
    say "installing $*"
    update_lists
    logged apt install --no-install-recommends "$@" ||
        die "apt-get could not install them (network? rights? details: $log)"
}

# True when the installed package of the library is new enough.
packaged() {
    version=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$package" 2>/dev/null) || return 1
    case $version in "installed "*) ;; *) return 1 ;; esac
    dpkg --compare-versions "${version#installed }" ge "$minimum"
}

# True when the distribution offers a package of the library that is new enough.
offered() {
    version=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
    [ -n "$version" ] && [ "$version" != '(none)' ] &&
        dpkg --compare-versions "$version" ge "$minimum"
}

# What must be the same for a library in .deps/ to be usable as it is.
recipe() {
    # shellcheck disable=SC1091,SC2086
    (. /etc/os-release && echo "1 $VERSION_ID $(dpkg --print-architecture)" \
        $source_suite $options $common_options "$common_cflags")
}
built() { [ -e "$prefix/$1.stamp" ] && [ "$(head -n 1 "$prefix/$1.stamp")" = "$(recipe)" ]; }

# apt with a state of its own that knows only the sources of $source_suite.
source_apt() {
    apt-get -q -y -o "Dir::State::Lists=$prefix/apt/lists" -o "Dir::Cache=$prefix/apt/cache" \
        -o "Dir::Etc::sourcelist=$prefix/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::http::Timeout=30 "$@" </dev/null
}

# Prints the address of each mirror this machine has of Debian's archive $1: Debian or Debian-Security.
mirrors_of() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>>"$log" |
        sed -n "s/^Debian|$1|//p" | sort -u
}

index_read=no
read_source_index() {
    [ $index_read = no ] || return 0
    rm -rf "$prefix/apt"
    mkdir -p "$prefix/apt/lists/partial" "$prefix/apt/cache/archives/partial"
    key=/usr/share/keyrings/debian-archive-keyring.gpg
    {
        mirrors_of Debian | sed "s|.*|deb-src [signed-by=$key] & $source_suite main|"
        mirrors_of Debian-Security | sed "s|.*|deb-src [signed-by=$key] & $source_suite-security main|"
    } >"$prefix/apt/sources.list"
    [ -s "$prefix/apt/sources.list" ] ||
        die "this system has neither $package >= $minimum nor a Debian mirror to build it from; use Debian 12 or 13"
    logged source_apt update -o APT::Update::Error-Mode=any ||
        die "cannot read the mirror's signed index of $source_suite (network? details: $log)"
    index_read=yes
}

# Fetches file $2 of hash $3 from address $1, or from where the same file lies in the other archive: a
# mirror may not have it in both.
download() {
    place=${1##*/pool/}
    place=${place#updates/}
    for try in 1 2 3; do
        for address in "$1" $(mirrors_of Debian | sed "s|/*$|/pool/$place|") \
            $(mirrors_of Debian-Security | sed "s|/*$|/pool/updates/$place|"); do
            logged /usr/lib/apt/apt-helper -o APT::Sandbox::User=root \
                download-file "$address" "$2" "$3" </dev/null && return
        done
        sleep $try
    done
    die "cannot fetch ${2##*/} (network? details: $log)"
}

# Fetches and unpacks the patched source of $1 into .deps/src/$1.
fetch_source() {
    src=$prefix/src/$1
    rm -rf "$src"
    mkdir -p "$src"
    source_apt source --print-uris "$1" 2>>"$log" | grep "^'" >"$src.uris" ||
        die "the mirror's index of $source_suite has no source of $1 (details: $log)"
    while read -r uri file _ hash; do
        uri=${uri#\'} uri=${uri%\'}
        case $file in *.orig.tar.* | *.debian.tar.*) ;; *) continue ;; esac
        case $file in *.asc) continue ;; esac
        case $hash in SHA256:* | SHA512:*) ;; *) die "no strong hash for $file in the index" ;; esac
        download "$uri" "$prefix/src/$file" "$hash"
        case $file in
        *.orig.tar.*) logged tar -xf "$prefix/src/$file" -C "$src" --strip-components=1 ;;
        *.debian.tar.*)
            logged tar -xf "$prefix/src/$file" -C "$src"
            version=${file#*_} version=${version%.debian.tar.*}
            ;;
        esac
    done <"$src.uris"
    if [ -e "$src/debian/patches/series" ]; then
        sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$src/debian/patches/series" |
            while read -r patch _; do
                logged patch -d "$src" -p1 -f -i "$src/debian/patches/$patch" ||
                    die "patch $patch of $1 does not apply (details: $log)"
            done
    fi
}

# The pkg-config files as a static, movable prefix needs them (its path may have spaces, too).
# shellcheck disable=SC2016
make_relocatable() {
    sed -i 's|^prefix=.*|prefix=${pcfiledir}/../..|' "$into"/lib/pkgconfig/*.pc
    sed -i 's|-lwebsockets$|-lwebsockets -lssl -lcrypto -lz|' "$into"/lib/pkgconfig/*.pc
}

build_library() {
    say "building $1 of Debian $source_suite into .deps/ (this system's is older than $minimum)"
    rm -f "$prefix/$1.stamp"
    read_source_index
    fetch_source "$source"
    # shellcheck disable=SC2086
    { logged env CFLAGS="$common_cflags" cmake -S "$src" -B "$src/build" $common_options $options \
        "-DCMAKE_INSTALL_PREFIX=$into" &&
        logged cmake --build "$src/build" -j "$(nproc)" &&
        logged cmake --install "$src/build"; } ||
        die "building $1 failed (details: $log)"
    make_relocatable
    { recipe && echo "$source $version"; } >"$prefix/$1.stamp"
}

provide_library() {
    "about_$1"
    if packaged; then
        rm -f "$prefix/$1.stamp"
        return
    fi
    built "$1" && return
    [ -n "$(apt-cache policy "$package" 2>/dev/null)" ] || update_lists
    if offered; then
        install_packages "$package"
    else
        build_library "$1"
    fi
}

provide_libraries() {
    for library in $libraries; do
        provide_library "$library"
    done
    # Sources and apt's state are of no more use; a .deps/ nobody needs would only be in the way.
    rm -rf "$prefix/src" "$prefix/apt"
    ls "$prefix"/*.stamp >/dev/null 2>&1 || rm -rf "$prefix"
}

build=no packages=''
[ $# -gt 0 ] || set -- --build --run
for option; do
    case $option in
    --build) build=yes packages="$packages $build_packages" ;;
    --run) packages="$packages $run_packages" ;;
    --test) build=yes packages="$build_packages $run_packages $test_packages" ;;
    -h | --help)
        usage
        exit
        ;;
    *) die "unknown option $option (--build, --run, --test)" ;;
    esac
done
command -v apt-get >/dev/null ||
    die "this system has no apt; use Debian 12 or 13, or docker-compose.yml"

{ mkdir -p "$root/build" && : >>"$root/build/deps.lock" && : >>"$log"; } 2>/dev/null ||
    die "cannot write to $root/build; run as the owner of the checkout or as root"
exec 9>"$root/build/deps.lock" # two runs at once: the second waits for the first
flock 9
: >"$log"
# shellcheck disable=SC2086
install_packages $packages
[ $build = no ] || provide_libraries
