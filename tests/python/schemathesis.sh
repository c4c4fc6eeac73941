#!/usr/bin/env bash
# Schemathesis checks the running emulator against the description. Installs it into a virtual environment in target/.
#
# schemathesis.sh [CASES]    number of cases per operation; 30 by default, which takes about a minute
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment schemathesis "schemathesis==4.32.5"
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
"$venv/bin/python" tests/python/schemathesis_run.py \
  "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator" "$venv/bin/schemathesis" --cases "${1:-30}"
