#!/usr/bin/env bash
# Simulate the master patterns that the bundled network was trained on beside the library's: twenty
# to thirty minutes on one core.  Usage: masters.sh FOLDER
# Needs the `simulate` extra: .venv/bin/pip install -e '.[simulate]'
# None of these materials adds a structure type to the library, so its split stays as it is.
set -euo pipefail
folder=$1
here=$(dirname "$0")
bravais=$here/../../.venv/bin/bravais
names() { grep -v '^#' "$here/$1"; }
"$bravais" simulate $(names at-20-kev.txt) -e 20 -o "$folder"
"$bravais" simulate $(names at-other-energies.txt) -e 10 -e 15 -e 30 -o "$folder"
