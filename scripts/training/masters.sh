#!/usr/bin/env bash
# Bring together the master patterns that the bundled network was trained on beside the library's,
# and those of some types that it never saw.  Usage: masters.sh FOLDER
# What masters.tar holds is taken out of it, what it lacks is simulated, 8 to 20 s each on one core;
# that needs the `simulate` extra: .venv/bin/pip install -e '.[simulate]'
set -euo pipefail
folder=$1
here=$(dirname "$0")
bravais=$here/../../.venv/bin/bravais
mkdir -p "$folder"
[ -e "$folder/structures.jsonl" ] || tar -xf "$here/masters.tar" -C "$folder"
at() { awk -F '\t' -v energy="$1" '(" " $2 " ") ~ (" " energy " ") {print $1}' "$here/masters.tsv"; }
for energy in 10 15 20 30; do
    "$bravais" simulate $(at $energy) -e $energy --largest 80 -o "$folder"
done
