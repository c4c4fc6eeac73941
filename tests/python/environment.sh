# For the scripts beside it: `environment NAME PACKAGE…` creates a virtual environment in target/ with these packages
# of PyPI, and sets `$venv` to its folder. Without Python the script exits as skipped.

environment() {
  if ! command -v python3 >/dev/null; then
    echo "skipped: python3 is not installed"
    exit 77
  fi
  venv=target/python/$1
  shift
  if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
  fi
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}
