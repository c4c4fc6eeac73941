# For the scripts beside it: `environment NAME PACKAGE…` makes a virtual environment in target/ that has these packages of
# PyPI, and tells its folder in `$venv`. Without Python the script ends as one that is skipped.

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
