#!/usr/bin/env bash
# The clients that openapi-python-client makes of the bundles import, type-check, read every example, and go through the
# scenario against the emulator. Installs the tools into a virtual environment in target/ at first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/languages/emulated.sh
tools=$PWD/target/languages/python
mkdir -p "$tools"
if [ ! -x "$tools/venv/bin/python" ]; then
  python3 -m venv "$tools/venv"
fi
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check "openapi-python-client==0.29.*" "attrs==26.*" "httpx==0.28.*" \
  "mypy==1.*" "pyjwt[crypto]==2.*" "python-dateutil==2.*" "ruff==0.*" "types-python-dateutil==2.*"
PATH="$tools/venv/bin:$PATH"
for api in umapi ims; do
  rm -rf "${tools:?}/$api"
  openapi-python-client generate --path "spec/dist/$api.json" --output-path "$tools/$api" --meta none --overwrite \
    --config tests/languages/python-client.yaml
done
cp tests/languages/usage.py tests/languages/scenario.py "$tools"
# Strict for what a user writes; what the generator writes is held to the checks that are on by default.
settings=$PWD/tests/languages/mypy.ini
(
  cd "$tools"
  mypy --config-file "$settings" umapi ims
  mypy --config-file "$settings" --strict --follow-imports silent usage.py scenario.py
  python usage.py
)
emulated "$tools/venv/bin/python" "$tools/scenario.py"
