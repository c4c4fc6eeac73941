#!/usr/bin/env bash
# Every benchmark and the soak with small numbers, in the debug build that the tests have made: they work. The figures mean
# nothing. PyPI's `umapi-client` takes part where another check has installed it.
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
