#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the release build into a folder and makes the Debian package of it; with
# GATHERD_DISPOSABLE=yes, on a machine that is thrown away, also installs and purges it.
# Called by tests/run.sh.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=tests/jobs/report.sh
. "$root/tests/jobs/report.sh"

build=$root/build/release
work=$(mktemp -d)

installs() {
    DESTDIR=$work/install cmake --install "$build" --prefix /usr --strip || return 1
    for file in usr/bin/gatherd etc/gatherd/gatherd.yaml usr/lib/systemd/system/gatherd.service \
        usr/lib/systemd/system/gatherd.socket \
        usr/share/man/man1/gatherd.1.gz usr/share/man/man5/gatherd.yaml.5.gz \
        usr/share/bash-completion/completions/gatherd usr/share/doc/gatherd/copyright \
        usr/share/zsh/vendor-completions/_gatherd \
        usr/share/fish/vendor_completions.d/gatherd.fish \
        usr/share/doc/gatherd/docs/operating.md usr/share/gatherd/gatherd.schema.json; do
        if [ ! -s "$work/install/$file" ]; then
            echo "not installed: /$file"
            return 1
        fi
    done
    "$work/install/usr/bin/gatherd" check "$work/install/etc/gatherd/gatherd.yaml"
}

# systemd looks for the programs the unit names.
units_are_fine() {
    sed "s|/usr/bin/gatherd|$work/install/usr/bin/gatherd|" deploy/gatherd.service \
        >"$work/gatherd.service"
    cp deploy/gatherd.socket "$work/gatherd.socket"
    systemd-analyze verify --man=no "$work/gatherd.service" "$work/gatherd.socket" 2>&1 |
        tee "$work/verify" && [ ! -s "$work/verify" ]
}

# The socket unit and the configuration that is installed beside it are for one address.
socket_is_used() {
    address=$(sed -n 's/^ListenStream=//p' deploy/gatherd.socket)
    "$work/install/usr/bin/gatherd" options --yaml | grep -F "listen: [\"$address\"]"
}

packages() { (cd "$build" && rm -f ./*.deb && cpack -G DEB -B "$work/deb"); }

depends_on_libraries() {
    depends=$(dpkg-deb --field "$deb" Depends)
    echo "$depends"
    for library in ares2 libcurl4 libjansson4 libmicrohttpd12 libseccomp2 libssl3 \
        libyaml-0-2; do
        case $depends in *$library*) ;; *) return 1 ;; esac
    done
}

keeps_configuration() { dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles; }

# The project has no public address of its own yet.
lintian_is_content() {
    lintian --allow-root --fail-on error,warning \
        --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$deb"
}

installs_as_package() {
    dpkg -i "$deb" && gatherd version && gatherd check /etc/gatherd/gatherd.yaml &&
        dpkg --purge gatherd && [ ! -e /etc/gatherd/gatherd.yaml ]
}

start_report build/results-package
part=package
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
check "cmake --install puts everything in place" installs || true
if has systemd-analyze; then
    check "systemd accepts the units" units_are_fine || true
else
    skip "systemd accepts the units" "systemd-analyze is not installed"
fi
check "the socket unit is for the address of the configuration" socket_is_used || true
if check "cpack makes a Debian package" packages; then
    deb=$(echo "$work"/deb/*.deb)
    check "it depends on the libraries it uses" depends_on_libraries || true
    check "it keeps an edited configuration" keeps_configuration || true
    if has lintian; then
        check "lintian is content" lintian_is_content || true
    else
        skip "lintian is content" "lintian is not installed"
    fi
    if [ "${GATHERD_DISPOSABLE:-}" = yes ]; then
        check "it installs, runs and can be purged" installs_as_package || true
    fi
fi
end_report
