# For the scripts of the languages: `emulated COMMAND…` runs the command with an emulator beside it; see `emulated.py`.

# What a script ends with that lacks something and cannot install it.
skipped() {
  echo "skipped: $1"
  exit 77
}

emulated() {
  command -v python3 >/dev/null || skipped "python3, which starts the emulator, is not installed"
  # As the tests build it, so that nothing is compiled twice.
  cargo build -q --workspace --all-targets --all-features
  python3 tests/languages/emulated.py "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator" "$@"
}
