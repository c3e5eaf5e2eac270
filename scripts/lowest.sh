#!/usr/bin/env bash
# Run the tests in .venv-lowest, with the oldest packages that pyproject.toml allows.
# Usage: lowest.sh
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$PWD/.venv/bin/uv
python=.venv-lowest/bin/python

[ -x "$python" ] || "$uv" venv --quiet --python .venv/bin/python .venv-lowest
"$uv" pip install --quiet --python "$python" --resolution lowest-direct --editable '.[dev]'
# The window's tests need a screen: tests/gui is left to `make test`.
exec "$python" -m pytest --ignore=tests/gui
