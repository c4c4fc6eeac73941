#!/usr/bin/env bash
# PyPI's `umapi-client`, unmodified, works against the emulator. Installs it into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v python3 >/dev/null; then
  echo "skipped: python3 is not installed"
  exit 0
fi
venv=target/python/umapi-client
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check "umapi-client==3.0.1"
# As the tests build it, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
"$venv/bin/python" -W ignore tests/python/umapi_client_test.py "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator"
