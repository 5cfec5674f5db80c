#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_hardening.sh is content with a small program built as gatherd is, and names what
# is missing when one flag is left out: check_hardening_fails.sh COMPILER
set -u
compiler=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

cat >"$folder/small.c" <<'C'
#include <stdio.h>
#include <string.h>
#ifdef WRITABLE_CODE
__asm__(".section .both,\"awx\"\n.byte 0\n.previous");
#endif
int main(int argc, char **argv)
{
    char text[64];
    snprintf(text, sizeof text, "%s %d", argv[0], argc);
    memcpy(text, argv[0], (size_t)argc);
    return puts(text) < 0;
}
C

all="-fPIE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -fstack-protector-strong
    -fstack-clash-protection -D_FORTIFY_SOURCE=3 -fcf-protection"

build() {
    # shellcheck disable=SC2086
    "$compiler" -O2 -g1 $1 "$folder/small.c" -o "$folder/small" || exit 1
    printf '[{"command": "cc %s -c /service/small.c",\n"file": "small.c"}]\n' "$(echo "$1" | xargs)" \
        >"$folder/commands.json"
    "$here/check_hardening.sh" "$folder/small" "$folder/commands.json" >"$folder/output" 2>&1
}

# The flag, what takes its place, what must then be named.
fails_without() {
    if build "$(echo "$all" | sed "s/$1/$2/")"; then
        echo "without $1 nothing was missing"
        failed=1
    elif ! grep -q "^MISSING: $3" "$folder/output"; then
        echo "without $1 it does not say: $3"
        cat "$folder/output"
        failed=1
    else
        echo "without $1: $(grep MISSING "$folder/output" | head -n 1)"
    fi
}

if [ "$(uname -m)" != x86_64 ]; then all=$(echo "$all" | sed 's/-fcf-protection//'); fi
if ! build "$all"; then
    cat "$folder/output"
    exit 1
fi
fails_without '-fPIE -pie' '-no-pie' "position-independent executable"
fails_without '-Wl,-z,relro' '-Wl,-z,norelro' "read-only relocations"
fails_without '-Wl,-z,now' '-Wl,-z,lazy' "bound at start"
fails_without '-Wl,-z,noexecstack' '-Wl,-z,execstack' "no executable stack"
fails_without '-fstack-protector-strong' '-fno-stack-protector' "stack protector"
fails_without '-fstack-clash-protection' '-fno-stack-clash-protection' "stack clash"
fails_without '-D_FORTIFY_SOURCE=3' '-U_FORTIFY_SOURCE' "fortified library calls"
fails_without '-D_FORTIFY_SOURCE=3' '-D_FORTIFY_SOURCE=2' "fortified by dynamic sizes"
fails_without '-fPIE' '-fPIE -Wl,-rpath,\/tmp' "no run path"
fails_without '-fPIE' '-fPIE -DWRITABLE_CODE' "no writable code"
if [ "$(uname -m)" = x86_64 ]; then
    fails_without '-fcf-protection' '-fcf-protection=none' "landing pads"
fi
exit $failed
