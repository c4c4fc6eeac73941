#!/usr/bin/env bash
# Microsoft's own libraries read the fake of Entra ID. Installs them into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment msgraph "msgraph-sdk==1.65.0"
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
"$venv/bin/python" tests/python/entra_sdk.py "${CARGO_TARGET_DIR:-target}/debug/examples/fake_directories"
