#!/usr/bin/env bash
# Google's own SDK reads the fake of Google Workspace. Installs it into target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=target/languages/google
mkdir -p "$tools"
npm install --prefix "$tools" --silent --no-audit --no-fund --no-save @googleapis/admin@32 google-auth-library@10
# The same build as in the tests, so that nothing is compiled twice.
cargo build -q --workspace --all-targets --all-features
cp tests/languages/google_sdk.mjs "$tools"
node "$tools/google_sdk.mjs" "${CARGO_TARGET_DIR:-target}/debug/examples/fake_directories"
