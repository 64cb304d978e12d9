#!/bin/sh
# SPDX-License-Identifier: MIT
# A minimal Debian from this machine's mirror, as a directory or a .tar; apt in it has the machine's proxies.
#
#   tests/debian-root.sh SUITE OUTPUT [OPTION OF MMDEBSTRAP]…
#
# Where that cannot be it says why in one line and ends with 77, and with 1 if it fails. What it mounts
# is gone when it ends, however that is.
set -eu
suite=$1 output=$2
shift 2

cannot() {
    echo "$*"
    exit 77
}
[ "$(id -u)" -eq 0 ] || cannot 'only root can make a root'
command -v mmdebstrap >/dev/null || cannot 'no mmdebstrap'
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian|Debian|//p' | sort -u | head -n 1)
[ -n "$mirror" ] || cannot 'no Debian mirror'
case $mirror in https:*) set -- --include=ca-certificates "$@" ;; esac
apt-config dump Acquire | grep -i '::proxy' >"$output.proxies" || true
[ ! -s "$output.proxies" ] || set -- --aptopt="$output.proxies" "$@"

# It is made in memory, and nothing of it must outlive a power cut: dpkg need not wait for the disk.
mkdir "$output.tmp"
export TMPDIR="$output.tmp"
# shellcheck disable=SC2016
unshare --mount sh -c 'mount -t tmpfs tmpfs "$TMPDIR" && exec mmdebstrap "$@"' mmdebstrap --mode=root \
    --variant=minbase --dpkgopt=force-unsafe-io "$@" "$suite" "$output" "$mirror" >"$output.log" 2>&1 || {
    echo "no root of $suite: $(grep '^E:' "$output.log" || tail -n 1 "$output.log")"
    exit 1
}
rm -rf "$output.tmp" "$output.proxies" "$output.log"
