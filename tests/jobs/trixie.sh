#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The same source on Debian 13: set up, built, tested and installed in a tree of its
# own. Also asks that release's docker-compose what it thinks of compose.yaml. Needs
# root. Called by .ci/run.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=tests/jobs/report.sh
. "$root/tests/jobs/report.sh"
# shellcheck source=tests/jobs/base_tree.sh
. "$root/tests/jobs/base_tree.sh"

# With processes and mounts of its own, which end with them, and a tree that is removed from
# outside, nothing is left behind however it ends.
if [ -z "${GATHERD_TREE:-}" ]; then
    GATHERD_TREE=$(mktemp -d /var/tmp/gatherd-trixie.XXXXXX)
    export GATHERD_TREE
    trap 'rm -rf --one-file-system "$GATHERD_TREE"' EXIT
    trap 'exit 130' INT TERM
    status=0
    unshare --mount --propagation private --pid --fork --kill-child "$0" "$@" || status=$?
    exit "$status"
fi
tree=$GATHERD_TREE

# The tree becomes the root of a mount namespace: a mere chroot is left by the tests that
# enter a namespace of their own.
inside() {
    unshare --mount --propagation private sh -c \
        'cd "$0" && pivot_root . mnt && cd / && umount -l /mnt && exec "$@"' "$tree" \
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LC_ALL=C.UTF-8 CI=true GATHERD_SETUP=--check GATHERD_PRESET=release \
        GATHERD_DISPOSABLE=yes GATHERD_CTEST="-E address_sweep" GATHERD_PYTEST="${GATHERD_PYTEST:-}" "$@"
}

make_tree() {
    mount --bind "$tree" "$tree" && unpack_base "$tree" &&
        chmod 755 "$tree" &&
        cp /etc/resolv.conf /etc/hosts "$tree/etc/" &&
        mount -t proc proc "$tree/proc" && mount -t sysfs sysfs "$tree/sys" &&
        mount -t tmpfs tmpfs "$tree/run" &&
        mount -t devpts -o newinstance,ptmxmode=666 devpts "$tree/dev/pts" &&
        ln -sf pts/ptmx "$tree/dev/ptmx" && # terminals, for what draws on one
        copy_source "$tree/src"
}

# Other tests may run beside this: they come first.
build_source() {
    inside nice -n 10 sh -c 'cd /src && cmake --preset release -DGATHERD_TESTS=ON &&
        cmake --build --preset release'
}

is_silent() { [ -z "$(inside /src/deploy/setup.sh --check 2>&1)" ]; }

# Its parts count under this job's name.
take_results() {
    for file in "$tree"/src/build/results/*.xml; do
        if [ -e "$file" ]; then cp "$file" "$results/$part-$(basename "$file")"; fi
    done
    if [ -e "$tree/src/build/results/checks" ]; then
        awk -F '\t' -v OFS='\t' -v part="$part" '{ $2 = part; print }' \
            "$tree/src/build/results/checks" >>"$results/checks"
    fi
}

# In a network of their own: nothing but loopback is needed, and no port is taken.
run_tests() {
    # The short forms of the long runs are had elsewhere, and so is what is this project's
    # own work alone; they do not differ by the system, and the release build does some of
    # it in its sandbox. One worker for each core: others' tests may run beside these.
    inside unshare --net sh -c 'ip link set lo up && GATHERD_PYTEST="$0" exec "$@"' \
        "-n $(nproc) $(printf -- '--ignore=tests/e2e/test_%s.py ' long ssrf torture fuzz wait \
            asyncio_examples attempts_meet webhooks references for_each keys expect \
            small_answers explain feature_pairs docs doc_mentions doc_pages clients \
            kubernetes reload restart all_cores logs live top console)" \
        /src/tests/run.sh unit e2e package || true
    for name in unit e2e package; do
        if ! grep -q "^$name	" "$tree/src/build/results/seconds"; then
            fail "$name came to no end on Debian 13"
        fi
    done
    take_results
}

check_compose() {
    if ! inside sh -c 'cd /tmp && apt-get download -q docker-compose' >/dev/null 2>&1; then
        skip "docker-compose accepts compose.yaml" "the package could not be fetched"
        return
    fi
    inside sh -c 'dpkg -x /tmp/docker-compose_*.deb /tmp/compose'
    check "docker-compose accepts compose.yaml" compose_config compose.yaml || true
    check "docker-compose accepts compose.scale.yaml" compose_config compose.scale.yaml || true
    sed 's/read_only:/reed_only:/' deploy/compose.yaml >"$tree/src/deploy/wrong.yaml"
    check "docker-compose refuses a misspelt key" compose_refuses wrong.yaml || true
}

compose_config() {
    inside /tmp/compose/usr/libexec/docker/cli-plugins/docker-compose \
        -f "/src/deploy/$1" config -q
}

compose_refuses() {
    if compose_config "$1"; then return 1; fi
}

start_report build/results-trixie
part=trixie
if ! has debootstrap; then
    skip "Debian 13" "debootstrap is missing (deploy/setup.sh --ci)"
elif check "a Debian 13 tree is made" make_tree &&
    check "deploy/setup.sh works on Debian 13" \
        inside nice -n 10 /src/deploy/setup.sh --check; then
    check "and says nothing the second time" is_silent || true
    check "builds on Debian 13" build_source || true
    run_tests
    check_compose
fi
end_report
