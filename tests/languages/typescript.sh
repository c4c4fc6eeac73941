#!/usr/bin/env bash
# The types that openapi-typescript makes of the bundles compile in strict mode, together with code that uses them; and
# openapi-fetch, with these types, goes through the scenario against the emulator. Installs the tools into target/ at first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/languages/emulated.sh
tools=target/languages/typescript
rm -rf "$tools/src" "$tools/out"
mkdir -p "$tools/src"
# openapi-typescript needs the compiler's fifth major version.
npm install --prefix "$tools" --silent --no-audit --no-fund --no-save \
  openapi-typescript@7 openapi-fetch@0 typescript@5 @types/node@20
for api in umapi ims; do
  "$tools/node_modules/.bin/openapi-typescript" "spec/dist/$api.json" --output "$tools/src/$api.d.ts"
done
cp tests/languages/*.ts tests/languages/*.mts "$tools/src"
cp tests/languages/tsconfig.json "$tools"
"$tools/node_modules/.bin/tsc" --project "$tools"
echo "TypeScript: types of both descriptions and their use compile in strict mode"
emulated node "$tools/out/scenario.mjs"
