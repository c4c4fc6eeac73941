#!/usr/bin/env bash
# PyJWT verifies the JWT that a service account signs. Installs it into a virtual environment in target/.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/python/environment.sh
environment jwt "PyJWT[crypto]==2.10.1"
cargo run -q --all-features --example sign_jwt | "$venv/bin/python" tests/python/jwt_verify.py
