#!/usr/bin/env bash
# Checks the descriptions with redocly's recommended rules. Installs the tool into target/ on first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=target/languages/redocly
mkdir -p "$tools"
npm install --prefix "$tools" --silent --no-audit --no-fund --no-save @redocly/cli@2
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
"$tools/node_modules/.bin/redocly" lint --extends recommended --format stylish spec/umapi.yaml spec/ims.yaml spec/emulator.yaml
