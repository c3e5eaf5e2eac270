#!/usr/bin/env bash
# Simulate the master patterns that the bundled network was trained on beside the library's, and
# those of some types that it never saw: three hours on one core.  Usage: masters.sh FOLDER
# Needs the `simulate` extra: .venv/bin/pip install -e '.[simulate]'
set -euo pipefail
folder=$1
here=$(dirname "$0")
bravais=$here/../../.venv/bin/bravais
at() { awk -F '\t' -v energy="$1" '(" " $2 " ") ~ (" " energy " ") {print $1}' "$here/masters.tsv"; }
for energy in 10 15 20 30; do
    "$bravais" simulate $(at $energy) -e $energy --largest 80 -o "$folder"
done
