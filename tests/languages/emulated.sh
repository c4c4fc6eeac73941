# For the scripts of the languages: `emulated COMMAND…` runs the command with an emulator; see `emulated.py`.

# The exit code of a script that lacks something that it cannot install.
skipped() {
  echo "skipped: $1"
  exit 77
}

emulated() {
  command -v python3 >/dev/null || skipped "python3, which starts the emulator, is not installed"
  # The same build as in the tests, so that nothing is compiled twice.
  cargo build -q --workspace --all-targets --all-features
  python3 tests/languages/emulated.py "${CARGO_TARGET_DIR:-target}/debug/umapi-emulator" "$@"
}
