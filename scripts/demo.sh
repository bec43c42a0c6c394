#!/bin/sh
# The main job on Fashion-MNIST: three searches on one seed, the loss landscape around a checkpoint of
# the first-order DARTS run, and a report of them all. Writes into runs/demo, or the folder given.
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/demo}
[ $# -le 1 ] || { echo "usage: scripts/demo.sh [OUT]" >&2; exit 64; }
zarts="$(swift build -c release --show-bin-path)/zarts"
[ -x "$zarts" ] || { echo "demo: $zarts is not built; run 'make demo', or 'make build' first" >&2; exit 1; }
start=$(date +%s)

# A demo is repeatable: what an earlier one left is replaced, anything else is kept.
marker="$out/.zarts-demo"
if [ -e "$out" ]; then
  [ -e "$marker" ] || { echo "demo: $out exists and no demo wrote it; remove it or name another folder" >&2; exit 1; }
  rm -rf "$out"
fi
mkdir -p "$out"
: > "$marker"

# Sizes: half of the images trains the weights, the other half α; 1280 / 32 = 40 weight steps an epoch.
space=s2
dataset=fashion-mnist
seed=1
epochs=5
train_limit=2560
common="--space $space --dataset $dataset --seed $seed --epochs $epochs --warmup 1 \
  --channels 8 --layers 5 --batch 32 --train-limit $train_limit"

echo "demo: the first $train_limit training images of $dataset in the order of seed $seed, space $space, $epochs epochs"
# shellcheck disable=SC2086 # the flags are words
for method in darts1 darts2 zarts-mgs; do
  echo
  echo "demo: search with $method"
  "$zarts" search --method "$method" $common --out "$out/$method"
done

# Late enough for α to have a direction, early enough for the learning rate of inner steps not to have decayed.
# α is still short then (norm 0.03), so the plane reaches 100 of its norms, where the mixing weights really change.
epoch=3
range=100
echo
echo "demo: landscape at epoch $epoch of the darts1 run, up to $range times the norm of α away"
"$zarts" landscape --run "$out/darts1" --epoch "$epoch" --objectives first,second,true:10 \
  --grid 11 --range "$range" --validation-batches 2 --pdf --out "$out/landscape"

echo
"$zarts" summary "$out/darts1" "$out/darts2" "$out/zarts-mgs"
echo
"$zarts" report "$out" --out "$out/report.html" >/dev/null
echo "Figures, and everything on one page, report.html:"
find "$out" -type f \( -name '*.png' -o -name '*.pdf' -o -name '*.svg' -o -name '*.html' \) | LC_ALL=C sort | sed 's/^/  /'
echo
echo "demo: done in $(($(date +%s) - start)) s"
