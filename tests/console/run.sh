#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console in a browser: every template run, 1,000 and 10,000 items smooth, keyboard,
# phone width, hostile replies, axe-core, and the live page under load.
# Needs Chromium, and what tests/support/npm_suite.sh says. GATHERD names the binary,
# CONSOLE_SHOTS a folder for screenshots, arguments choose tests by a part of their name.
# Ends with "N passed, N failed".
set -u
suite=console
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/npm_suite.sh
. "$here/../support/npm_suite.sh"

need_node
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if [ -z "$CHROMIUM" ]; then skip_suite "chromium is not installed"; fi
export CHROMIUM
need_packages
exec timeout 420 node "$here/run.mjs" "$@"
