#!/usr/bin/env bash
# The JWT that a service account signs is verified by PyJWT. Installs it into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v python3 >/dev/null; then
  echo "skipped: python3 is not installed"
  exit 0
fi
venv=target/python/jwt
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check "PyJWT[crypto]==2.10.1"
cargo run -q --all-features --example sign_jwt | "$venv/bin/python" tests/python/jwt_verify.py
