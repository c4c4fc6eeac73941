#!/usr/bin/env bash
# Okta's own SDK reads the fake of Okta. Installs it into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment okta "okta==3.4.6"
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
"$venv/bin/python" tests/python/okta_sdk.py "${CARGO_TARGET_DIR:-target}/debug/examples/fake_directories"
