#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configuring against a libcurl before 8.0 fails with a sentence that says why and how to get
# a newer one: check_old_libcurl.sh CMAKE ROOT
set -u
cmake=$1
root=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/libcurl.pc" <<'PC'
Name: libcurl
Description: an old one
Version: 7.88.1
Libs: -lcurl
PC
if PKG_CONFIG_PATH=$folder "$cmake" -S "$root" -B "$folder/build" -DGATHERD_TESTS=OFF \
    >"$folder/output" 2>&1; then
    echo "libcurl 7.88.1 was accepted"
    exit 1
fi
# CMake wraps its messages.
tr -s ' \n' ' ' <"$folder/output" >"$folder/line"
for words in "libcurl 7.88.1 is too old: gatherd needs 8.0.0 or newer" \
    "may be another client's" "run deploy/setup.sh" "bookworm-backports"; do
    if ! grep -qF "$words" "$folder/line"; then
        echo "the message does not say: $words"
        cat "$folder/output"
        exit 1
    fi
done
echo "refused, with the remedy"
