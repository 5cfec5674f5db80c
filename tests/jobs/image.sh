#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the image from the Dockerfile as it stands, without a container engine or a
# registry: the base is made by debootstrap, the build is buildah's, and the container
# runs in a network namespace of its own: as a user without rights, read-only, without
# capabilities (O11). Needs root. Called by .ci/run.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=tests/jobs/report.sh
. "$root/tests/jobs/report.sh"
# shellcheck source=tests/jobs/base_tree.sh
. "$root/tests/jobs/base_tree.sh"

image=localhost/gatherd:test
space=gatherd-$$
work=$(mktemp -d /var/tmp/gatherd-image.XXXXXX)

storage() { echo --root "$work/storage" --runroot "$work/run" --storage-driver overlay; }

# runc, as crun refuses hybrid cgroups; no systemd is needed.
pod() {
    # shellcheck disable=SC2046
    podman $(storage) --runtime runc --cgroup-manager cgroupfs --events-backend file "$@"
}

bah() {
    # shellcheck disable=SC2046
    nice -n 10 buildah $(storage) "$@"
}

clean_up() {
    pod rm -f --all >/dev/null 2>&1 || true
    pod rmi -f --all >/dev/null 2>&1 || true
    ip netns del "$space" 2>/dev/null || true
    umount "$work/storage/overlay" 2>/dev/null || true
    rm -rf "$work"
}

import_base() {
    mkdir "$work/base" && unpack_base "$work/base" &&
        tar -C "$work/base" -c . | pod import -q - docker.io/library/debian:trixie-slim
}

build_image() {
    copy_source "$work/source" &&
        bah bud --isolation chroot --network host --pull-never --format docker \
            -t "$image" "$work/source"
}

# As an operator should run it; the ulimits are what podman may ask for here.
start() {
    name=$1
    shift
    pod run -d --name "$name" --network "ns:/run/netns/$space" --read-only --cap-drop ALL \
        --security-opt no-new-privileges --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
        "$image" "$@"
}

inside() { ip netns exec "$space" "$@"; }
ask() { inside curl -sS --noproxy '*' --max-time 10 "$@"; }

wait_for() {
    for _ in $(seq 100); do
        if ask -f -o /dev/null "$1" 2>/dev/null; then return; fi
        sleep 0.1
    done
    pod logs "${2:-gatherd}"
    return 1
}

config_of() { pod inspect --type image --format "{{.Config.$1}}" "$image"; }
runs_as_nobody() { [ "$(config_of User)" = 65532:65532 ]; }
has_healthcheck() { pod inspect --type image "$image" | grep -q '"Healthcheck"'; }

is_small() {
    bytes=$(pod inspect --type image --format '{{.Size}}' "$image")
    echo "$bytes bytes"
    [ "$bytes" -lt 150000000 ]
}


has_no_tools() {
    pod run --rm --network none --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
        --entrypoint sh "$image" -c \
        'for tool in cc gcc ld make cmake ninja pkg-config git curl; do
             if command -v $tool; then exit 1; fi
         done; [ ! -e /src ] && [ -z "$(ls /var/lib/apt/lists)" ] && [ "$(id -u)" = 65532 ]'
}

serves_pages() {
    ask -f "http://127.0.0.1:8080/healthz" && ask -f "http://127.0.0.1:8090/readyz" &&
        ask -f "http://127.0.0.1:8090/metrics" | grep -q '^gatherd_'
}

keeps_metrics_from_callers() {
    [ "$(ask -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/metrics)" = 404 ]
}

batch() { ask -f "http://127.0.0.1:8080/v1/batch?url=http://127.0.0.1:8081/json"; }

is_confined() {
    pod logs gatherd 2>&1 | grep '"event":"sandbox"' | tee /dev/stderr |
        grep -q '"systemCalls":"filtered","files":"restricted"'
}

refuses_private() { batch | tee /dev/stderr | grep -q '"blocked_address"'; }
fetches() { batch | tee /dev/stderr | grep -q '"ok": *1'; }
is_healthy() { pod healthcheck run gatherd; }

stops_quickly() {
    began=$(date +%s%N)
    pod stop -t 10 "$1" >/dev/null
    took=$((($(date +%s%N) - began) / 1000000))
    status=$(pod inspect --format '{{.State.ExitCode}}' "$1")
    echo "exit status $status after $took ms"
    pod logs "$1" | tail -n 3
    [ "$status" -eq 0 ] && [ "$took" -lt 3000 ]
}

run_as_shipped() {
    check "the container starts read-only, without capabilities" start gatherd || return 0
    check "it becomes ready" wait_for http://127.0.0.1:8090/readyz || return 0
    check "health, readiness and metrics answer" serves_pages || true
    check "its sandbox is complete" is_confined || true
    check "callers cannot read the metrics" keeps_metrics_from_callers || true
    check "the health check of the image passes" is_healthy || true
    check "private addresses are refused" refuses_private || true
    check "SIGTERM ends it with 0 at once" stops_quickly gatherd || true
    pod rm -f gatherd >/dev/null 2>&1 || true
}

run_with_upstream() {
    check "the demo upstream runs from the same image" start demo demo || return 0
    check "options can be set on the command line" start gatherd serve \
        --config /etc/gatherd/gatherd.yaml --set egress.private_addresses=allow || return 0
    check "both answer" wait_both || return 0
    check "a batch is fetched" fetches || true
    check "SIGTERM ends the demo with 0" stops_quickly demo || true
}

wait_both() { wait_for http://127.0.0.1:8090/readyz && wait_for http://127.0.0.1:8081/json demo; }

start_report build/results-image
part=image
trap clean_up EXIT
trap 'exit 130' INT TERM
for tool in debootstrap podman buildah runc ip curl; do
    if ! has "$tool"; then
        skip "the image" "$tool is missing (deploy/setup.sh --ci)"
        end_report
        exit
    fi
done
if check "the base image is made" import_base && check "the Dockerfile builds" build_image; then
    check "it runs as 65532" runs_as_nobody || true
    check "it has a health check" has_healthcheck || true
    check "it holds no build tools" has_no_tools || true
    check "it is smaller than 150 MB" is_small || true
    ip netns add "$space"
    inside ip link set lo up
    run_as_shipped
    run_with_upstream
fi
end_report
