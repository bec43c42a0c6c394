#!/bin/sh
# Estimates of the gradient of the true loss by RS, GLD and MGS, with the defaults of a search and with the settings of the ZARTS
# authors' figure of paths (docs/methods.md), at one checkpoint: studies and a table into OUT.
# What is there already is kept and what was cut short goes on, so the same command continues a study.
set -eu
cd "$(dirname "$0")/.."
[ $# -le 2 ] || {
  echo "usage: scripts/study-authors-settings.sh [DATASET [OUT]]" >&2
  echo "  DATASET fashion-mnist, OUT runs/study-authors-settings" >&2
  echo "  sizes from the environment: SPACE (s6) EPOCHS CHANNELS LAYERS BATCH TRAIN_LIMIT PLACES REPEATS" >&2
  exit 64
}
dataset=${1:-fashion-mnist}
out=${2:-runs/study-authors-settings}
zarts=${ZARTS:-.build/release/zarts}
epochs=${EPOCHS:-6}
mkdir -p "$out"

if [ -d "$out/search" ]; then
  "$zarts" search --resume "$out/search"
else
  "$zarts" search --method zarts-mgs --space "${SPACE:-s6}" --dataset "$dataset" --seed 1 --epochs "$epochs" --warmup 2 \
    --channels "${CHANNELS:-8}" --layers "${LAYERS:-5}" --batch "${BATCH:-32}" --train-limit "${TRAIN_LIMIT:-2560}" \
    --out "$out/search"
fi

# Sixteen trainings an estimate in every study. Sigma of the space, as the search had it. GLD's largest radius is sigma times the root
# of the number of values of alpha: that makes the authors' sigma of their outer radius of 0.13.
sigma=$(sed -n 's/^sigma: *\([0-9.]*\).*/\1/p' "$out/search/config.yaml")
own_sigma=$(head -c 256 "$out/search/alphas.npy" | tr -cd '[:print:]' | sed 's/.*shape[^(]*(\([0-9, ]*\)).*/\1/' |
  awk -F, '{ print 0.13 / sqrt($2 * $3 * $4) }')
study() {
  name=$1
  shift
  again=
  if [ -d "$out/$name" ]; then again=--resume; fi
  "$zarts" estimators --run "$out/search" --epoch "$epochs" --inner-steps 10 --candidates 16 \
    --places "${PLACES:-8}" --repeats "${REPEATS:-4}" "$@" $again --out "$out/$name"
}
study default-rs --estimators darts1,rs,pairs --sigmas "$sigma"
study default-gld --estimators gld --sigmas "$sigma"
study default-mgs --estimators mgs --sigmas "$sigma"
own="--candidate-learning-rate 0.001 --candidate-momentum 0"
study authors-rs --estimators pairs --sigmas 0.1 --rs-distribution matrix-sphere $own
study authors-gld --estimators gld --sigmas "$own_sigma" --gld-distribution matrix-sphere --untrained-baseline $own
study authors-mgs --estimators mgs --sigmas 0.001 --tau 1 --lambda 0.1 $own

{
  echo "study,$(head -n 1 "$out/default-rs/estimators.csv")"
  for name in default-rs default-gld default-mgs authors-rs authors-gld authors-mgs; do
    tail -n +2 "$out/$name/estimators.csv" | sed "s/^/$name,/"
  done
} > "$out/table.txt"
cat "$out/table.txt"
