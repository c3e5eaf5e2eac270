#!/usr/bin/env bash
# Bring together the master patterns that the bundled network was trained on beside the library's,
# and those of some types that it never saw.  Usage: masters.sh FOLDER
# What masters.tar holds is taken out of it, what it lacks is simulated, 5 to 80 s each on one core;
# that needs the `simulate` extra: .venv/bin/pip install -e '.[simulate]'
# FOLDER/anew gets finer ones of both folders' materials, out of masters-anew.tar: where commands are
# given it as a last `-m`, these count.  To go on with them:
# bravais simulate LIBRARY/structures.jsonl FOLDER/structures.jsonl -o FOLDER/anew
# FOLDER/anew2 gets further ones, at other beam energies too, out of masters-anew2.tar, to be given
# after it; the bundled atlas is made of both.
# FOLDER/known and FOLDER/more get further materials of the catalogue, for an index and an atlas, out
# of masters-known.tar and masters-more.tar; the network was not trained on them: bravais index
# --known FOLDER/known --known FOLDER/more
# FOLDER/order gets ordered crystals of the index, all as finely simulated, and beside them
# in FOLDER/order/mixed the same with their atoms mixed, out of masters-order.tar, for
# bravais atlas --ordered FOLDER/order; those that it was not trained on are known by --known
# FOLDER/order. To make them anew: bravais simulate FOLDER/order/structures.jsonl -o ANEW --mixed
set -euo pipefail
folder=$1
here=$(dirname "$0")
bravais=$here/../../.venv/bin/bravais
mkdir -p "$folder"/{anew,anew2,known,more,order}
[ -e "$folder/structures.jsonl" ] || tar -xf "$here/masters.tar" -C "$folder"
[ -e "$folder/anew/structures.jsonl" ] || tar -xf "$here/masters-anew.tar" -C "$folder/anew"
[ -e "$folder/anew2/structures.jsonl" ] || tar -xf "$here/masters-anew2.tar" -C "$folder/anew2"
[ -e "$folder/known/structures.jsonl" ] || tar -xf "$here/masters-known.tar" -C "$folder/known"
[ -e "$folder/more/structures.jsonl" ] || tar -xf "$here/masters-more.tar" -C "$folder/more"
[ -e "$folder/order/structures.jsonl" ] || tar -xf "$here/masters-order.tar" -C "$folder/order"
at() { awk -F '\t' -v energy="$1" '(" " $2 " ") ~ (" " energy " ") {print $1}' "$here/masters.tsv"; }
for energy in 10 15 20 30; do
    "$bravais" simulate $(at $energy) -e $energy --largest 80 -o "$folder"
done
