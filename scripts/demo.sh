#!/bin/sh
# The main job on Fashion-MNIST: three searches on one seed, then the loss landscape of the
# supernet that first-order DARTS left. Writes into runs/demo, or the folder given.
set -eu
cd "$(dirname "$0")/.."
out=${1:-runs/demo}
[ $# -le 1 ] || { echo "usage: scripts/demo.sh [OUT]" >&2; exit 64; }
zarts="$(swift build -c release --show-bin-path)/zarts"

# A demo is repeatable: what an earlier one left is replaced, anything else is kept.
marker="$out/.zarts-demo"
if [ -e "$out" ]; then
  [ -e "$marker" ] || { echo "demo: $out exists and no demo wrote it; remove it or name another folder" >&2; exit 1; }
  rm -rf "$out"
fi
mkdir -p "$out"
: > "$marker"

# Sizes: one epoch is train_limit / 2 / batch weight steps; the other half of the images is L_val.
space=s2
dataset=fashion-mnist
seed=1
epochs=4
train_limit=2048
common="--space $space --dataset $dataset --seed $seed --epochs $epochs --warmup 1 \
  --channels 8 --layers 5 --batch 64 --train-limit $train_limit"

echo "demo: $train_limit training images of $dataset, space $space, seed $seed, $epochs epochs"
# shellcheck disable=SC2086 # the flags are words
for method in darts1 darts2 zarts-mgs; do
  echo "demo: search with $method"
  "$zarts" search --method "$method" $common --out "$out/$method"
done

echo "demo: landscape at epoch $epochs of the darts1 run"
"$zarts" landscape --run "$out/darts1" --epoch "$epochs" --objectives first,second,true:10 \
  --grid 11 --out "$out/landscape"

echo
"$zarts" summary "$out/darts1" "$out/darts2" "$out/zarts-mgs"
echo
echo "Figures:"
find "$out" -type f \( -name '*.png' -o -name '*.pdf' -o -name '*.svg' \) | LC_ALL=C sort | sed 's/^/  /'
