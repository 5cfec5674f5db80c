#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# O14: the shipped binary has the hardening a distribution uses, and a little more:
#   check_hardening.sh BINARY COMPILE_COMMANDS
# What leaves no trace in machine code is read from what gcc writes into the debug
# information (DW_AT_producer), and the level of FORTIFY from the compile commands.
# check_hardening_fails.sh shows that each line here can fail.
#
# shellcheck disable=SC2317 # the functions are called by want
set -u
binary=$1
commands=$2
failed=0

want() { # what, test...
    what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        echo "ok: $what"
    else
        echo "MISSING: $what"
        failed=1
    fi
}

header() { readelf -hW "$binary"; }
segments() { readelf -lW "$binary"; }
dynamic() { readelf -dW "$binary"; }
symbols() { readelf -sW "$binary"; }
producers() { readelf --debug-dump=info "$binary" | sed -n 's/.*DW_AT_producer.*: //p'; }

# sh has no pipefail: what is asked for must be the last command's to find.
is_pie() { header | grep -q 'Type:.*DYN' && dynamic | grep -q 'Flags:.*PIE'; }
has_relro() { segments | grep -q GNU_RELRO; }
binds_now() { dynamic | grep -q 'BIND_NOW\|Flags:.* NOW'; }
has_no_executable_stack() { segments | grep GNU_STACK | grep -qv 'RWE'; }
has_no_writable_code() { ! segments | grep -q 'LOAD.* RWE '; }
protects_the_stack() {
    symbols | grep -q '__stack_chk_fail' && built_with -fstack-protector-strong
}
calls_checked_functions() { symbols | grep -q '_chk@'; }
has_no_run_path() { ! dynamic | grep -q 'RPATH\|RUNPATH'; }

# Every C file that the binary is made of. (crt1.o and the like are glibc's assembler.)
built_with() {
    producers | grep -q 'GNU C' && ! producers | grep 'GNU C' | grep -qve " $1"
}

compilations() { sed -n 's/.*"command": //p' "$commands" | grep -e ' -c [^ ]*/service/'; }
fortify_level() {
    compilations | grep -q . && ! compilations | grep -qve "-D_FORTIFY_SOURCE=$1"
}

# Debian's crt1.o has no CET note, so the linker leaves the whole binary without; the
# landing pads are there for a libc that has.
lands_on_pads() { built_with -fcf-protection=full && objdump -d "$binary" | grep -q endbr64; }

want "position-independent executable" is_pie
want "read-only relocations" has_relro
want "bound at start" binds_now
want "no executable stack" has_no_executable_stack
want "no writable code" has_no_writable_code
want "stack protector" protects_the_stack
want "stack clash protection" built_with -fstack-clash-protection
want "fortified library calls" calls_checked_functions
want "fortified by dynamic sizes too (level 3)" fortify_level 3
want "no run path" has_no_run_path
case $(uname -m) in
x86_64) want "landing pads for indirect jumps (CET)" lands_on_pads ;;
esac
exit $failed
