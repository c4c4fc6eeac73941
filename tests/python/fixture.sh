#!/usr/bin/env bash
# The Python module of the emulator: its pytest fixture with the example, its process under hostile conditions, its types.
# Uses the debug build; `cargo xtask dist` tests the installed wheel in the same way.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment fixture "pytest==9.*" "requests==2.*" "umapi-client==3.0.1" "mypy==2.*" "types-requests==2.*"
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
UMAPI_EMULATOR_BINARY=$(realpath "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator")
export UMAPI_EMULATOR_BINARY
export PYTHONPATH=$PWD/crates/umapi-emulator/python PYTHONDONTWRITEBYTECODE=1
# An installed package has an entry point for this.
export PYTEST_PLUGINS=umapi_emulator.pytest_plugin
"$venv/bin/python" -m pytest -q -p no:cacheprovider -p pytester crates/umapi-emulator/python/tests
"$venv/bin/python" -m mypy --strict --cache-dir "$venv/mypy" crates/umapi-emulator/python/umapi_emulator \
  crates/umapi-emulator/python/tests/test_example.py
