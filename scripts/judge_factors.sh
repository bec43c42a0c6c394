#!/bin/sh
# What may part a search here from the public logs, one factor at a time, at a size for two cores: CIFAR-10 as JPEG against exact
# pixels, second order against first, depthwise weights of old PyTorch, validation batches drawn afresh, another split. Every
# run has the seed of its partner; OUT/factors.csv has a row a run and epoch. What is there is kept.
# docs/study-published.md says what came of it.
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 3 ] || {
  echo "usage: scripts/judge_factors.sh EXACT TWINS OUT   (folders in the binary layout; scripts/judge_jpeg.py makes the twins)" >&2
  echo "  from the environment: FACTORS SEEDS EPOCHS CHANNELS LAYERS BATCH THREADS NICE" >&2
  exit 64
}
exact=$1 twins=$2 out=$3
zarts=${ZARTS:-$(swift build -c release --show-bin-path)/zarts}
[ -x "$zarts" ] || { echo "judge: $zarts is not built; run 'make build' first" >&2; exit 1; }
factors=${FACTORS:-base jpeg second depthwise fresh seeded}
seeds=${SEEDS:-0 1 2}
mkdir -p "$out"
# The learning rate of the first epochs of fifty, which these stand for, hardly falls.
printf '%s\n' 'method: darts1' 'space: s1' 'minimum_learning_rate: 0.0245' > "$out/base.yaml"
for seed in $seeds; do
  for factor in $factors; do
    data=$exact
    set --
    case $factor in
      base) ;;
      jpeg) data=$twins ;;
      second) set -- --method darts2 ;;
      depthwise) set -- --depthwise-initialisation pytorch-0.3 ;;
      fresh) set -- --validation-sampling fresh ;;
      seeded) set -- --split seeded ;;
      *) echo "judge: no factor $factor" >&2; exit 64 ;;
    esac
    run="$out/$factor-$seed"
    if [ -e "$run/genotype.txt" ]; then continue; fi
    if [ -e "$run/metrics.csv" ]; then
      nice -n "${NICE:-15}" "$zarts" search --resume "$run" --threads "${THREADS:-0}" >> "$out/$factor-$seed.log" 2>&1
      continue
    fi
    rm -rf "$run"
    nice -n "${NICE:-15}" "$zarts" search --config "$out/base.yaml" --split file-order --running-validation --seed "$seed" \
      --epochs "${EPOCHS:-20}" --channels "${CHANNELS:-8}" --layers "${LAYERS:-5}" --batch "${BATCH:-64}" --keep-last 1 \
      --dataset "cifar10:$data" --threads "${THREADS:-0}" "$@" --out "$run" > "$out/$factor-$seed.log" 2>&1
  done
done
{
  printf 'factor,seed,epoch,training_accuracy,validation_accuracy,validation_accuracy_running\n'
  for factor in $factors; do
    for seed in $seeds; do
      awk -F , -v name="$factor,$seed" '
        NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
        { print name "," $c["epoch"] "," $c["training_accuracy"] "," $c["validation_accuracy"] "," $c["validation_accuracy_running"] }
      ' "$out/$factor-$seed/metrics.csv"
    done
  done
} > "$out/factors.csv.new"
mv "$out/factors.csv.new" "$out/factors.csv"

# Over the last half of the epochs: mean accuracies, and how far they are from the partner's of the base, in points.
awk -F , '
  NR == 1 { next }
  { for (k = 4; k <= 6; k++) at[$1, $2, $3, k] = 100 * $k; if ($3 > last) last = $3; if (!seen[$1]++) order[++n] = $1; seeds[$2] = 1 }
  END {
    print "| factor | training % | validation % | running % | training, difference by seed | validation | running |"
    print "| --- | --- | --- | --- | --- | --- | --- |"
    for (i = 1; i <= n; i++) {
      line = "| " order[i]; apart = ""
      for (k = 4; k <= 6; k++) {
        total = count = 0; list = ""
        for (s = 0; s < 1000; s++) if (s in seeds) {
          own = base = used = 0
          for (e = int(last / 2) + 1; e <= last; e++) { own += at[order[i], s, e, k]; base += at["base", s, e, k]; used++ }
          total += own / used; count++
          list = list (list == "" ? "" : ", ") sprintf("%+.1f", (own - base) / used)
        }
        line = line sprintf(" | %.1f", total / count)
        apart = apart " | " (order[i] == "base" ? "" : list)
      }
      print line apart " |"
    }
  }' "$out/factors.csv"
