#!/usr/bin/env bash
# Simulate the master patterns that the bundled network was trained on beside the library's, and
# those of some types that it never saw: an hour and a half on one core.  Usage: masters.sh FOLDER
# Needs the `simulate` extra: .venv/bin/pip install -e '.[simulate]'
set -euo pipefail
folder=$1
here=$(dirname "$0")
bravais=$here/../../.venv/bin/bravais
names() { grep -v '^#' "$here/$1"; }
"$bravais" simulate $(names at-20-kev.txt) -e 20 --largest 80 -o "$folder"
"$bravais" simulate $(names at-other-energies.txt) -e 10 -e 15 -e 30 -o "$folder"
