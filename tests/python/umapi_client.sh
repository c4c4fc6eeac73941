#!/usr/bin/env bash
# PyPI's `umapi-client`, unmodified, works with the emulator. Installs it into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment umapi-client "umapi-client==3.0.1"
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
"$venv/bin/python" -W ignore tests/python/umapi_client_test.py "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator"
