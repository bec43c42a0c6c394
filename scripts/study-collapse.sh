#!/bin/sh
# Does the collapse of DARTS show at a size for two cores? Searches on the same seeds, a diagnosis of each, and what its cells
# reach when they are trained from scratch; tables and figures into OUT. What is there already is kept, so the same command
# goes on with a study that was cut short. docs/study-collapse.md says what came of it.
set -eu
cd "$(dirname "$0")/.."
usage() {
  echo "usage: scripts/study-collapse.sh [-j JOBS] DATASET [OUT]" >&2
  echo "  DATASET cifar10:PATH?side=16 or another; OUT runs/study-collapse; JOBS 2 (side by side, one thread each)" >&2
  echo "  sizes from the environment: METHODS SEEDS SPACES EPOCHS WARMUP CHANNELS LAYERS BATCH TRAIN_LIMIT ALPHA_LEARNING_RATE" >&2
  echo "  DIAGNOSE_EVERY RETRAIN_EPOCHS RETRAIN_CHANNELS RETRAIN_LIMIT" >&2
  exit 64
}
. scripts/study-jobs.sh
[ $# -ge 1 ] && [ $# -le 2 ] && [ -n "$1" ] || usage
dataset=$1
out=${2:-runs/study-collapse}
start=$(date +%s)
mkdir -p "$out"

# α learns ten times as fast as in DARTS because a search here has a tenth or less of its weight steps.
spaces=${SPACES:-s2 s4}
methods=${METHODS:-darts1 darts2 zarts-mgs}
seeds=${SEEDS:-0 1 2}
list() { echo "$*" | sed 's/ /, /g'; }
plan="$out/study.yaml"
cat > "$plan.new" <<YAML
methods: [$(list $methods)]
seeds: [$(list $seeds)]
spaces: [$(list $spaces)]
datasets: ["$dataset"]
settings:
  epochs: ${EPOCHS:-25}
  warmup: ${WARMUP:-2}
  channels: ${CHANNELS:-8}
  layers: ${LAYERS:-8}
  batch: ${BATCH:-32}
  train_limit: ${TRAIN_LIMIT:-2560}
  alpha_learning_rate: ${ALPHA_LEARNING_RATE:-0.003}
YAML
# Runs of other settings would be compared without notice.
if [ -e "$plan" ] && ! cmp -s "$plan" "$plan.new"; then
  echo "study: $out holds a study of other settings, $plan; remove it or name another folder" >&2
  rm "$plan.new"
  exit 1
fi
mv "$plan.new" "$plan"
if [ -e "$out/compare/compare.yaml" ]; then
  "$zarts" compare --resume "$out/compare" --jobs "$jobs" --threads "$jobs"
else
  "$zarts" compare "$plan" --jobs "$jobs" --threads "$jobs" --out "$out/compare"
fi

export zarts out dataset
export every=${DIAGNOSE_EVERY:-9} epochs=${RETRAIN_EPOCHS:-10} channels=${RETRAIN_CHANNELS:-8} layers=${LAYERS:-8} limit=${RETRAIN_LIMIT:-5000}
mkdir -p "$out/retrained" "$out/logs"
for space in $spaces; do
  for seed in $seeds; do
    for method in $methods; do echo "$space-$method-$seed"; done
  done
done | xargs -P "$jobs" -L 1 sh -c '
  run="$out/compare/runs/$1"
  fresh="$out/retrained/$1"
  if [ ! -e "$run/diagnosis.yaml" ]; then
    "$zarts" diagnose "$run" --every "$every" > "$out/logs/diagnose-$1.txt" 2>&1 ||
      { echo "study: the diagnosis of $1 failed:" >&2; tail -3 "$out/logs/diagnose-$1.txt" >&2; exit 1; }
  fi
  if ! grep -q " finished$" "$fresh/log.txt" 2>/dev/null; then
    if [ -e "$fresh/config.yaml" ]; then
      "$zarts" retrain --resume "$fresh" --threads 1
    else
      "$zarts" retrain --genotype "$run" --dataset "$dataset" --seed 0 --epochs "$epochs" --channels "$channels" \
        --layers "$layers" --train-limit "$limit" --cutout 0 --drop-path 0 --no-auxiliary --keep-last 1 --threads 1 --out "$fresh"
    fi > "$out/logs/retrain-$1.txt" 2>&1 ||
      { echo "study: the retraining of $1 failed:" >&2; tail -3 "$out/logs/retrain-$1.txt" >&2; exit 1; }
  fi
  echo "study: $1 done"
' study

echo
for space in $spaces; do
  set --
  for method in $methods; do
    for seed in $seeds; do set -- "$@" "$out/compare/runs/$space-$method-$seed"; done
  done
  "$zarts" curves "$@" --column skip_connections,skip_connections_reduce,validation_loss,alpha_norm \
    --title "Space $space" --out "$out/$space.png" --out "$out/$space.pdf"
done

# One row a run: the last epoch of diagnosis.csv, the verdict, and the accuracy of the retrained cells.
table="$out/study.csv"
{
  printf 'run,verdict,since,skips_normal,skips_reduce,parameter_free_normal,parameter_free_reduce,supernet_loss,genotype_loss,dominant_eigenvalue_first,dominant_eigenvalue_last,spearman_first,spearman_second,test_accuracy,test_loss\n'
  for space in $spaces; do
    for method in $methods; do
      for seed in $seeds; do
        run="$space-$method-$seed"
        verdict=$(sed -n 's/^verdict: *//p' "$out/compare/runs/$run/diagnosis.yaml" | tr -d '"')
        since=$(sed -n 's/^epoch: *//p' "$out/compare/runs/$run/diagnosis.yaml" | sed 's/ *#.*//; s/null//')
        test=$(awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } { last = $c["test_accuracy"] "," $c["test_loss"] } END { print last }' \
          "$out/retrained/$run/metrics.csv")
        awk -F , -v run="$run" -v verdict="$verdict" -v since="$since" -v test="$test" '
          NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
          $c["supernet_loss"] != "" {
            if (first == "") first = $c["dominant_eigenvalue"]
            row = $c["skips_normal"] "," $c["skips_reduce"] "," $c["parameter_free_normal"] "," $c["parameter_free_reduce"] "," \
              $c["supernet_loss"] "," $c["genotype_loss"] "," first "," $c["dominant_eigenvalue"] "," $c["spearman_first"] "," $c["spearman_second"]
          }
          END { print run "," verdict "," since "," row "," test }' "$out/compare/runs/$run/diagnosis.csv"
      done
    done
  done
} > "$table.new"
mv "$table.new" "$table"
cat "$table"
"$zarts" report "$out" --out "$out/report.html" > /dev/null
echo "study: done in $(($(date +%s) - start)) s; $table, figures and report.html in $out"
