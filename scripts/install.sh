#!/usr/bin/env bash
# Set up .venv with the project, editable, and its development tools.  Usage: install.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    echo "$python is not Python 3.11, 3.12 or 3.13. Name one that is: make PYTHON=python3.12 ..." >&2
    exit 1
fi

if [ ! -x .venv/bin/pip ]; then
    # Debian keeps ensurepip, which venv needs, in a package of its own
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        bash scripts/apt-packages.sh "python$version-venv"
    fi
    rm -rf .venv
    "$python" -m venv .venv
fi

echo "Installing into .venv: about 1 GB to download the first time, so some minutes."
project='.[dev]'
if .venv/bin/pip install --quiet --disable-pip-version-check uv &&
    .venv/bin/uv pip install --python .venv/bin/python --reinstall-package napari-bravais \
        --editable "$project" 2>&1 | sed '/^ [-+~] /d'; then
    # uv compiles nothing, and where Python must not write bytecode (PYTHONDONTWRITEBYTECODE, as in
    # many containers) each process would compile TensorFlow anew; templates that do not compile
    # are none of ours
    .venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
    exit
fi
echo "That was uv; trying pip, which is slower."
.venv/bin/pip install --quiet --disable-pip-version-check --editable "$project"
