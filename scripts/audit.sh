#!/usr/bin/env bash
# Look for known vulnerabilities in what is installed in .venv.  Usage: audit.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# A mirror of the registry serves packages, but not the advisories.
advisories=https://pypi.org/pypi/pip/24.0/json
if ! .venv/bin/python -c "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=20)" \
    "$advisories" 2>/dev/null; then
    echo "The registry's advisories cannot be reached: nothing was audited."
    exit
fi
.venv/bin/uv tool run pip-audit --path "$(.venv/bin/python -c 'import sysconfig as s; print(s.get_path("purelib"))')" \
    --skip-editable --progress-spinner off
