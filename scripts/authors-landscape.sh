#!/bin/sh
# How much of the contrast in the authors' landscapes comes from stale batch-norm statistics, and how much from new training
# batches at every point? One short search in s6, then their landscape with either statistics and either batches, and the same
# plane as the search itself would see it; OUT/contrast.csv holds what differs. A step that is there already is kept and one that
# was cut short goes on. docs/landscape.md, "As the authors drew them", says what is read off it.
set -eu
cd "$(dirname "$0")/.."
[ $# -le 1 ] || {
  echo "usage: scripts/authors-landscape.sh [OUT]   (runs/authors-landscape)" >&2
  echo "  sizes from the environment: DATASET SEED EPOCHS CHANNELS LAYERS BATCH TRAIN_LIMIT GRID" >&2
  exit 64
}
out=${1:-runs/authors-landscape}
zarts=${ZARTS:-$(swift build -c release --show-bin-path)/zarts}
[ -x "$zarts" ] || { echo "authors-landscape: $zarts is not built; run 'make build' first" >&2; exit 1; }
mkdir -p "$out"
start=$(date +%s)

if [ ! -e "$out/search/genotype.txt" ]; then
  if [ -e "$out/search/config.yaml" ]; then
    "$zarts" search --resume "$out/search"
  else
    # α moves fast enough to have gone somewhere in so few steps.
    printf '%s\n' "method: darts1" "space: s6" "dataset: ${DATASET:-fashion-mnist}" "alpha_learning_rate: 0.003" > "$out/search.yaml"
    "$zarts" search --config "$out/search.yaml" --seed "${SEED:-0}" --epochs "${EPOCHS:-12}" --warmup 1 \
      --channels "${CHANNELS:-4}" --layers "${LAYERS:-5}" --batch "${BATCH:-32}" --train-limit "${TRAIN_LIMIT:-1280}" \
      --out "$out/search"
  fi
fi

# landscape NAME FLAG...
landscape() {
  name=$1
  shift
  if [ -e "$out/$name/landscape.csv" ]; then return; fi
  echo "authors-landscape: $name"
  if [ -e "$out/$name/landscape.yaml" ]; then set -- "$@" --resume; fi
  "$zarts" landscape --run "$out/search" --grid "${GRID:-11}" "$@" --out "$out/$name"
}
for statistics in batch running; do
  for batches in fixed fresh; do
    landscape "$statistics-$batches" --preset authors --batch-norm "$statistics" --batches "$batches"
  done
done
# The search's own momentum and learning rate.
landscape search-own --objectives first,true:2,true:11 --validation-batches augmented

# Of a plane: correlation of L1 with L11, ranges of both and of their difference, and roughness, the mean distance of an inner
# point from the mean of its four neighbours as a part of the range (0 for a plane, of order 1 for noise alone).
contrast() {
  awk -F , -v name="$1" '
    function number(text) { return text ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ }
    function spread(which,   at, low, high, seen) {
      for (at in places) {
        if (!((at, which) in loss)) continue
        if (!seen || loss[at, which] < low) low = loss[at, which]
        if (!seen || loss[at, which] > high) high = loss[at, which]
        seen = 1
      }
      return high - low
    }
    function roughness(which,   i, j, total, count, range) {
      range = spread(which)
      for (i = 1; i < size; i++) for (j = 1; j < size; j++) {
        if (!((i SUBSEP j, which) in loss)) continue
        if (!((i - 1 SUBSEP j, which) in loss && (i + 1 SUBSEP j, which) in loss)) continue
        if (!((i SUBSEP j - 1, which) in loss && (i SUBSEP j + 1, which) in loss)) continue
        around = (loss[i - 1 SUBSEP j, which] + loss[i + 1 SUBSEP j, which] + loss[i SUBSEP j - 1, which] + loss[i SUBSEP j + 1, which]) / 4
        away = loss[i SUBSEP j, which] - around
        total += away < 0 ? -away : away
        count++
      }
      return count && range > 0 ? total / count / range : 0
    }
    FNR == 1 { for (k = 1; k <= NF; k++) c[$k] = k; file++; next }
    file == 1 {
      if (!number($c["loss"])) next
      at = $c["i"] SUBSEP $c["j"]
      places[at] = 1
      if ($c["i"] > size) size = $c["i"]
      loss[at, $c["objective"] $c["inner_steps"]] = $c["loss"]
    }
    file == 2 && $c["approximation"] == "first" { pearson = $c["pearson"]; spearman = $c["spearman"]; apart = $c["minimiser_distance"] }
    END {
      for (at in places) if ((at, "first0") in loss && (at, "true11") in loss) loss[at, "both"] = loss[at, "first0"] - loss[at, "true11"]
      printf "%s,%s,%s,%.5g,%.5g,%.5g,%.4f,%.4f,%s\n", name, pearson, spearman, spread("first0"), spread("true11"), spread("both"), \
        roughness("first0"), roughness("true11"), apart
    }' "$out/$1/landscape.csv" "$out/$1/comparison.csv"
}
{
  echo "landscape,pearson,spearman,range_first,range_true11,range_difference,roughness_first,roughness_true11,minimisers_apart"
  for name in search-own batch-fixed batch-fresh running-fixed running-fresh; do contrast "$name"; done
} > "$out/contrast.csv.new"
mv "$out/contrast.csv.new" "$out/contrast.csv"
echo
cat "$out/contrast.csv"
echo "authors-landscape: done in $(($(date +%s) - start)) s; tables and figures in $out"
