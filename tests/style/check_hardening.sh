#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shipped binary has the hardening a distribution uses: check_hardening.sh BINARY
set -u
binary=$1
failed=0
want() { # name, command
    if sh -c "$2" >/dev/null 2>&1; then
        echo "ok: $1"
    else
        echo "MISSING: $1"
        failed=1
    fi
}
export binary
want "position-independent executable" 'readelf -h "$binary" | grep -q "Type:.*DYN"'
want "read-only relocations" 'readelf -lW "$binary" | grep -q GNU_RELRO'
want "bound at start" 'readelf -dW "$binary" | grep -q "BIND_NOW\|Flags:.* NOW"'
want "no executable stack" 'readelf -lW "$binary" | grep GNU_STACK | grep -qv "RWE"'
want "stack protector" 'readelf -sW "$binary" | grep -q __stack_chk_fail'
want "fortified library calls" 'readelf -sW "$binary" | grep -q "_chk@"'
want "no run path" '! readelf -dW "$binary" | grep -q "RPATH\|RUNPATH"'
exit $failed
