# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the jobs that need a Debian 13 of their own: a small tree made by
# debootstrap from the mirror apt is set to, kept as an archive for a week.

cache=${GATHERD_CACHE:-/var/tmp/gatherd-ci}

# unpack_base FOLDER: a fresh Debian 13 in the folder, which must be empty.
unpack_base() {
    archive=$cache/trixie.tar
    if [ -z "$(find "$archive" -mtime -7 2>/dev/null)" ]; then make_base "$archive"; fi
    tar -C "$1" -xf "$archive"
}

make_base() {
    mirror=$(mirror_of_apt)
    if [ -z "$mirror" ]; then
        echo "apt names no mirror to take Debian 13 from"
        return 1
    fi
    mkdir -p "$cache"
    tree=$(mktemp -d "$cache/tree.XXXXXX")
    chmod 755 "$tree"
    if debootstrap --variant=minbase --include=ca-certificates trixie "$tree" "$mirror" \
        >"$cache/debootstrap.log" 2>&1; then
        slim_down "$tree"
        tar -C "$tree" -cf "$1.new" . && mv "$1.new" "$1"
    else
        tail -n 5 "$cache/debootstrap.log"
    fi
    rm -rf "$tree"
    [ -e "$1" ]
}

mirror_of_apt() {
    # shellcheck disable=SC1091
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get update --print-uris 2>/dev/null |
        sed -n "s|^'\(.*\)/dists/$release/main/.*|\1|p" | head -n 1
}

# What the official slim image leaves out as well, and what it has: a tree that may be made
# anew at any time needs no fsync for each file.
slim_down() {
    rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/usr/share/doc/* \
        "$1"/usr/share/man/* "$1"/usr/share/locale/* "$1"/var/log/bootstrap.log
    printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' \
        'Acquire::Languages "none";' >"$1/etc/apt/apt.conf.d/docker-clean"
    echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
    # The way to the mirror is this machine's.
    apt-config dump | grep -E '^Acquire::(.*[Pp]roxy|Check-)' \
        >"$1/etc/apt/apt.conf.d/10-machine" || true
}

# copy_source FOLDER: the project as it is here, without what was built.
copy_source() {
    mkdir -p "$1"
    tar -C "${root:?}" --exclude=./build --exclude=./.git --exclude=node_modules \
        --exclude=__pycache__ -cf - . | tar -C "$1" --no-same-owner -xf -
}
