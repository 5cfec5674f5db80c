#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone: check_headers.sh COMPILER ROOT
set -u
compiler=$1
root=$2
failed=0
count=0
for header in $(cd "$root/service" && find . -name '*.h' | sed 's|^\./||' | sort); do
    count=$((count + 1))
    printf '#include "%s"\n' "$header" |
        "$compiler" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$root/service" \
            -fsyntax-only -x c - || { echo "$header does not compile alone"; failed=1; }
done
echo "$count headers"
[ "$count" -gt 0 ] && exit $failed
