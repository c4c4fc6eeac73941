#!/usr/bin/env bash
# The JWT that a service account signs is verified by PyJWT. Installs it into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment jwt "PyJWT[crypto]==2.10.1"
cargo run -q --all-features --example sign_jwt | "$venv/bin/python" tests/python/jwt_verify.py
