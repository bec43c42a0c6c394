#!/bin/sh
# The reference study of docs/landscape.md: two searches on one seed, then every analysis at their checkpoints, on
# Fashion-MNIST. A step that is there already is kept and one that was cut short goes on, so the same command continues.
# Afterwards scripts/notebooks-data.sh collects the tables.
set -eu
cd "$(dirname "$0")/.."
[ $# -le 1 ] || { echo "usage: scripts/reference-study.sh [OUT]   (runs/reference)" >&2; exit 64; }
out=${1:-runs/reference}
zarts=${ZARTS:-$(swift build -c release --show-bin-path)/zarts}
[ -x "$zarts" ] || { echo "study: $zarts is not built; run 'make build' first" >&2; exit 1; }
mkdir -p "$out"
start=$(date +%s)

# step NAME FILE COMMAND...: FILE is there once the step is done.
step() {
  name=$1
  file=$2
  shift 2
  if [ -e "$out/$name/$file" ]; then return; fi
  echo
  echo "study: $name"
  if [ "$1" = search ]; then
    if [ -e "$out/$name/config.yaml" ]; then "$zarts" search --resume "$out/$name"; else "$zarts" "$@" --out "$out/$name"; fi
  elif [ -d "$out/$name" ] && [ -n "$(ls -A "$out/$name")" ]; then
    "$zarts" "$@" --resume --out "$out/$name"
  else
    "$zarts" "$@" --out "$out/$name"
  fi
}

# α learns ten times as fast as in DARTS because a search here has a fiftieth of its weight steps.
settings="$out/settings.yaml"
cat > "$settings" <<YAML
method: darts1
space: s2
dataset: fashion-mnist
seed: 0
epochs: 16
warmup: 2
channels: 8
layers: 5
batch: 32
train_limit: 2560
alpha_learning_rate: 0.003
YAML
step darts1 genotype.txt search --config "$settings" --method darts1
step zarts-mgs genotype.txt search --config "$settings" --method zarts-mgs

at="--run $out/darts1 --epoch 8"
# shellcheck disable=SC2086 # the flags are words
{
  step landscape landscape.png landscape $at --objectives first,second,true:10 --grid 21 --range 4 --validation-batches 4
  step lines lines.png landscape $at --kind line --directions random,random,first,zarts --points 41 --range 4 \
    --objectives first,second,true:1,true:10 --validation-batches 8
  for mode in running recalibrated; do
    step "lines-$mode" lines.png landscape $at --kind line --directions random,random --points 21 --range 4 \
      --objectives first,true:10 --validation-batches 8 --batch-norm "$mode"
  done
  step lines-small-rate lines.png landscape $at --kind line --directions random,random --points 21 --range 4 \
    --objectives first,second,true:10 --validation-batches 8 --inner-lr 0.0025
  step plane landscape.png landscape --run "$out/darts1" --directions pca1,pca2 --trajectory "$out/darts1" \
    --trajectory "$out/zarts-mgs" --grid 15 --objectives first,true:10 --validation-batches 4
  for epoch in 2 8 16; do
    step "fidelity-$epoch" fidelity.csv fidelity --run "$out/darts1" --epoch "$epoch" --objectives first,second,true:1,true:10 \
      --directions 24 --radii 0.5,1,2 --length unit --validation-batches 4
  done
  # The learning rate of epoch 2 at the weights of epoch 16: which of the two is it that changes?
  step fidelity-16-large-rate fidelity.csv fidelity --run "$out/darts1" --epoch 16 --objectives first,second,true:1,true:10 \
    --directions 24 --radii 0.5,1,2 --length unit --validation-batches 4 --inner-lr 0.0241
  step estimators estimators.csv estimators $at --inner-steps 1,10 --candidates 4,16 --sigmas 0.05,0.2 --repeats 4 --places 3 --validation-batches 4
}
step spectrum spectrum.csv spectrum --run "$out/darts1" --epochs all
echo
echo "study: done in $(($(date +%s) - start)) s; tables and figures in $out"
