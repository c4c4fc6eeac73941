#!/usr/bin/env bash
# Runs every benchmark and the soak test with small numbers, in the debug build of the tests, to check that they work.
# The figures have no meaning. PyPI's `umapi-client` takes part if another check has installed it.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build -q --workspace --all-targets --all-features
programs="${CARGO_TARGET_DIR:-target}/debug"
peers=()
python=target/python/umapi-client/bin/python
if [ -x "$python" ]; then
  peers=(--python "$python")
fi
"$programs/umapi-bench" all --quick --folder target/bench/small --emulator "$programs/umapi-emulator" "${peers[@]}"
"$programs/umapi-bench" soak --quick --emulator "$programs/umapi-emulator"
