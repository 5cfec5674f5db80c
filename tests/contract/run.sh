#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lints openapi.yaml and the workflows, then holds a running gatherd against them.
# GATHERD names the binary; what else is needed: tests/support/npm_suite.sh. Ends with
# "N passed, N failed".
set -u
suite=contract
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/npm_suite.sh
. "$here/../support/npm_suite.sh"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true NO_COLOR=1

need_node
need_packages
exec /usr/bin/python3 "$here/run.py"
