#!/usr/bin/env bash
# The types that openapi-typescript makes of the bundles compile in strict mode, together with code that uses them.
# Installs the tools into target/ at first use.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=target/languages/typescript
mkdir -p "$tools/src"
# openapi-typescript needs the compiler's fifth major version.
npm install --prefix "$tools" --silent --no-audit --no-fund --no-save openapi-typescript@7 openapi-fetch@0 typescript@5
for api in umapi ims; do
  "$tools/node_modules/.bin/openapi-typescript" "spec/dist/$api.json" --output "$tools/src/$api.d.ts"
done
cp tests/languages/usage.ts "$tools/src/usage.ts"
"$tools/node_modules/.bin/tsc" --strict --noEmit --skipLibCheck false --exactOptionalPropertyTypes \
  --target es2022 --module nodenext --moduleResolution nodenext --lib es2022,dom "$tools/src/usage.ts"
echo "TypeScript: types of both descriptions and their use compile in strict mode"
