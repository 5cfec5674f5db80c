#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing for building and testing gatherd on Debian 12 and 13.
# Needs root or sudo only when something is missing; says nothing when nothing is.
# Starts no service: what it installs are tools and servers the tests start themselves.
#
#   exit 0  everything asked for is there
#        1  something needed for building is missing
#        2  only things needed for testing are missing
set -eu

usage() {
    cat <<'USAGE'
usage: deploy/setup.sh [--build | --check | --test | --ci]
  --build  only what building and the quick start need
  --check  and what the unit and end-to-end tests need
  --test   and the analysers, Prometheus and Node (the default)
  --ci     and what builds images and the second distribution
Debian 12's libcurl is too old for gatherd (7.88; 8.0 is the least), so there the
curl packages come from bookworm-backports, and from there comes what only it has
(python3-opentelemetry-proto).
USAGE
}

# Names that exist on Debian 12 and 13 alike.
build_packages="build-essential cmake ninja-build pkg-config libmicrohttpd-dev
    libcurl4-openssl-dev libc-ares-dev libssl-dev libjansson-dev libyaml-dev
    libseccomp-dev zlib1g-dev ca-certificates curl scdoc"
check_packages="libcriterion-dev python3 python3-pytest python3-pytest-timeout
    python3-pytest-xdist python3-aiohttp python3-requests python3-yaml python3-jsonschema
    python3-brotli python3-zstandard python3-opentelemetry-proto
    python3-prometheus-client openssl nginx nghttp2-server dnsmasq-base
    iproute2 procps jq file zsh fish man-db mandoc"
test_packages="clang clang-tidy libclang-rt-dev valgrind gcovr shellcheck wrk
    prometheus haproxy golang-go default-jdk-headless libgoogle-gson-java chromium
    kubernetes-client"
ci_packages="buildah podman runc uidmap debootstrap lintian"

# The packages that must be taken from backports together where libcurl is too old.
curl_packages="libcurl4 libcurl4-openssl-dev curl"
curl_least=8.0

policy_file=/usr/sbin/policy-rc.d
log=
policy_is_ours=

say() { printf 'setup: %s\n' "$*"; }
warn() { printf 'setup: %s\n' "$*" >&2; }

clean_up() {
    if [ -n "$policy_is_ours" ]; then as_root rm -f "$policy_file"; fi
    if [ -n "$log" ]; then rm -f "$log"; fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# shellcheck disable=SC1091
codename() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

installed_version() {
    dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null |
        sed -n 's/^installed //p'
}

is_too_old() { dpkg --compare-versions "$1" lt "$curl_least" 2>/dev/null; }

# Node, Go, Java and kubectl come from elsewhere on many machines: commands count, not packages.
# Debian 12's is too old for what it is needed for (redocly), so not installed for it.
node_is_missing() {
    if [ "$(codename)" = bookworm ]; then return 1; fi
    ! command -v node >/dev/null || ! command -v npm >/dev/null
}

# Prints the packages of the list that are not there; an old libcurl counts as not there.
missing_of() {
    for package in "$@"; do
        version=$(installed_version "$package")
        case $package in
        libcurl4-openssl-dev)
            if [ -z "$version" ] || is_too_old "$version"
            then echo "$package"; fi ;;
        golang-go)
            if ! command -v go >/dev/null; then echo "$package"; fi ;;
        default-jdk-headless)
            if ! command -v javac >/dev/null; then echo "$package"; fi ;;
        kubernetes-client)
            if ! command -v kubectl >/dev/null; then echo "$package"; fi ;;
        nodejs)
            if node_is_missing; then echo nodejs npm; fi ;;
        *)
            if [ -z "$version" ]; then echo "$package"; fi ;;
        esac
    done
}

require_root() {
    if [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null; then return; fi
    warn "installing packages needs root: run deploy/setup.sh as root once, or install sudo"
    report
}

# Where apt takes a suite's main component from, whichever of its two file formats
# says so; it needs no list to be fetched before.
mirror_of() {
    apt-get update --print-uris 2>/dev/null |
        sed -n "s|^'\(.*\)/dists/$1/main/.*|\1|p" | head -n 1
}

add_backports() {
    if [ -n "$(mirror_of bookworm-backports)" ]; then return; fi
    for suite in bookworm stable oldstable oldoldstable; do
        mirror=$(mirror_of "$suite")
        if [ -n "$mirror" ]; then break; fi
    done
    if [ -z "$mirror" ]; then
        warn "apt names no mirror for bookworm, so bookworm-backports cannot be added"
        return
    fi
    list=/etc/apt/sources.list.d/gatherd-backports.sources
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    text="Types: deb
URIs: $mirror
Suites: bookworm-backports
Components: main"
    if [ -r "$keyring" ]; then
        text="$text
Signed-By: $keyring"
    fi
    say "libcurl here is older than $curl_least; for the curl packages alone, adding $list:"
    printf '%s\n' "$text" | sed 's/^/setup:     /'
    printf '%s\n' "$text" | as_root tee "$list" >/dev/null
}

# A package's start script must not leave a server running on this machine.
forbid_service_starts() {
    if [ -e "$policy_file" ]; then return; fi
    policy_is_ours=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy_file" >/dev/null
    as_root chmod 755 "$policy_file"
}

# ... nor start it at the next boot.
disable_services_of() {
    command -v systemctl >/dev/null || return 0
    for package in "$@"; do
        case $package in
        nginx | prometheus | haproxy)
            if as_root systemctl disable "$package" >/dev/null 2>&1; then
                say "$package is installed for the tests; its system service stays disabled"
            fi ;;
        esac
    done
}

# From backports come the curl packages that are too old, by their suite's name;
# "-t bookworm-backports" would let every dependency come from there too.
with_suites() {
    for package in "$@"; do
        case " $curl_packages " in
        *" $package "*) echo "$package$curl_suite" ;;
        *) echo "$package" ;;
        esac
    done
}

# The curl packages name each other's exact version, so they move together.
choose_curl_suite() {
    curl_suite=
    case " $missing " in *" libcurl4-openssl-dev "* | *" curl "*) ;; *) return 0 ;; esac
    if [ "$(codename)" != bookworm ]; then return; fi
    missing=$(echo "$missing $curl_packages" | xargs -n 1 | sort -u | xargs)
    curl_suite=/bookworm-backports
    add_backports
}

try_install() {
    # shellcheck disable=SC2046
    apt install -y --no-install-recommends $(with_suites "$@") >"$log" 2>&1
}

# One call for all; where that fails, one by one, so that one package the mirror
# does not have costs no other.
install() {
    if try_install "$@"; then return; fi
    warn "installing all at once failed ($(first_error)); trying one by one"
    if [ -n "$curl_suite" ]; then
        # shellcheck disable=SC2086
        try_install $curl_packages || warn "could not install $curl_packages: $(first_error)"
    fi
    for package in "$@"; do
        case "$curl_suite $curl_packages " in /*" $package "*) continue ;; esac
        try_install "$package" || warn "could not install $package: $(first_error)"
    done
}

first_error() { sed -n 's/^E: //p' "$log" | head -n 1; }

update_lists() {
    if apt update -o APT::Update::Error-Mode=any >"$log" 2>&1; then return; fi
    warn "apt-get update could not get everything; going on with what is at hand:"
    grep -E '^(E|W|Err)' "$log" | head -n 5 | sed 's/^/setup:     /' >&2 || true
}

# Says what is still not there and exits; the status tells whether building is possible.
report() {
    # shellcheck disable=SC2086
    left=$(missing_of $wanted | xargs)
    if [ -z "$left" ]; then return; fi
    warn "still missing: $left"
    # shellcheck disable=SC2086
    needed=$(missing_of $build_packages | xargs)
    if [ -n "$needed" ]; then
        case " $needed " in *" libcurl4-openssl-dev "*)
            warn "gatherd needs libcurl $curl_least or newer: on Debian 12 from bookworm-backports" ;;
        esac
        warn "gatherd cannot be built without: $needed"
        exit 1
    fi
    warn "gatherd can be built; tests that need these are skipped"
    exit 2
}

case ${1:---test} in
--build) wanted=$build_packages ;;
--check) wanted="$build_packages $check_packages" ;;
--test) wanted="$build_packages $check_packages $test_packages nodejs" ;;
--ci) wanted="$build_packages $check_packages $test_packages nodejs $ci_packages" ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 64 ;;
esac

if ! command -v apt-get >/dev/null; then
    warn "this machine has no apt-get: gatherd is built and tested on Debian 12 and 13"
    exit 1
fi
# shellcheck disable=SC2086
missing=$(missing_of $wanted | xargs)
if [ -z "$missing" ]; then exit 0; fi
require_root
log=$(mktemp)
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
choose_curl_suite
say "installing: $missing"
# shellcheck disable=SC2086
{
    update_lists
    forbid_service_starts
    install $missing
    disable_services_of $missing
}
report
