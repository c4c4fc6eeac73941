#!/usr/bin/env bash
# The Node helper of the emulator: its example, its process under hostile conditions, its types. Uses the debug build;
# `cargo xtask dist` tests the installed packages in the same way. Installs the compiler into target/ on first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
UMAPI_EMULATOR_BINARY=$(realpath "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator")
export UMAPI_EMULATOR_BINARY
tools=target/languages/node-helper
# A copy, because the compiler looks for types beside the code.
rm -rf "$tools/package"
mkdir -p "$tools"
cp -R crates/umapi-emulator/npm "$tools/package"
npm install --prefix "$tools" --silent --no-audit --no-fund --no-save typescript@7 @types/node@20
(
  cd "$tools/package"
  node --test tests/
  ../node_modules/.bin/tsc --project tests
)
