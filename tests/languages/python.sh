#!/usr/bin/env bash
# The clients that openapi-python-client makes of the bundles import, type-check, and read every example.
# Installs the tools into a virtual environment in target/ at first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=target/languages/python
mkdir -p "$tools"
if [ ! -x "$tools/venv/bin/python" ]; then
  python3 -m venv "$tools/venv"
fi
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check \
  "openapi-python-client==0.29.*" "attrs==26.*" "httpx==0.28.*" "mypy==1.*" "python-dateutil==2.*" "ruff==0.*" "types-python-dateutil==2.*"
PATH="$PWD/$tools/venv/bin:$PATH"
for api in umapi ims; do
  rm -rf "$tools/$api"
  openapi-python-client generate --path "spec/dist/$api.json" --output-path "$tools/$api" --meta none --overwrite \
    --config tests/languages/python-client.yaml
done
cp tests/languages/usage.py "$tools/usage.py"
cd "$tools"
# Strict for what a user writes; what the generator writes is held to the checks that are on by default.
mypy --config-file ../../../tests/languages/mypy.ini umapi ims
mypy --config-file ../../../tests/languages/mypy.ini --strict --follow-imports silent usage.py
python usage.py
