#!/bin/sh
# Search methods on the same seeds at a size for two cores: runs, tables and figures into OUT.
# A run that is there already is kept and one that was cut short goes on, so the same command continues a study.
set -eu
cd "$(dirname "$0")/.."
usage() {
  echo "usage: scripts/study-methods.sh [-j JOBS] [DATASET [OUT]]" >&2
  echo "  DATASET fashion-mnist, OUT runs/study-methods, JOBS 2 (searches side by side, one thread each)" >&2
  echo "  sizes from the environment: METHODS SEEDS SPACE EPOCHS WARMUP CHANNELS LAYERS BATCH TRAIN_LIMIT RANDOM_CANDIDATES" >&2
  echo "  METHODS is a list of methods, 'family' (DARTS and what was proposed against its collapse) or 'all'; NAME of the figures" >&2
  exit 64
}
. scripts/study-jobs.sh
[ $# -le 2 ] || usage
dataset=${1:-fashion-mnist}
out=${2:-runs/study-methods}

# Half of the images trains the weights: 1280 / 32 = 40 weight steps an epoch, 320 in a run for every method.
# The warm-up is the same for all, DARTS included, so that all start from the same weights and α, but for methods whose weight
# decay, batches or supernet are others from the first step (rdarts-l2, rdarts-dp, darts-minus).
plain="darts1 darts2 zarts-rs zarts-mgs zarts-gld random"
robust="rdarts-l2 rdarts-dp darts-ada sdarts-rs sdarts-adv darts-minus"
methods=${METHODS:-$plain}
case $methods in
  family) methods="darts1 darts2 $robust" ;;
  all) methods="$plain $robust" ;;
esac
name=${NAME:-study-methods}
seeds=${SEEDS:-0 1 2}
warmup=${WARMUP:-2}
common="--space ${SPACE:-s2} --dataset $dataset --epochs ${EPOCHS:-8} --warmup $warmup \
--channels ${CHANNELS:-8} --layers ${LAYERS:-5} --batch ${BATCH:-32} --train-limit ${TRAIN_LIMIT:-2560}"
random="--candidates ${RANDOM_CANDIDATES:-10}"

# What a method needs beside the common settings, as flags. The rule of early stopping averages over five eigenvalues and compares
# averages five apart, none of them from before epoch 10: in 8 epochs it could not act.
own() {
  case $1 in
    random) echo "$random" ;;
    darts-ada | darts1-es | darts2-es)
      echo "--eigenvalue-every 1 --early-stop-start 0 --early-stop-window 3 --early-stop-distance 1" ;;
  esac
}

# Runs of other settings would be compared without notice. Methods may join.
mkdir -p "$out/runs" "$out/cpu" "$out/logs"
require() {
  if [ -e "$out/$1" ]; then
    [ "$(cat "$out/$1")" = "$2" ] || {
      echo "study: $out holds a study of other settings; remove it or name another folder:" >&2
      cat "$out/$1" >&2
      exit 1
    }
  else
    printf '%s\n' "$2" > "$out/$1"
  fi
}
settings="$common; random: $random"
require settings.txt "$settings"
echo "study: $methods; seeds $seeds; $settings"
for method in $methods; do
  flags=$(own "$method")
  if [ "$method" != random ] && [ -n "$flags" ]; then
    require "settings-$method.txt" "$flags"
    echo "study: $method: $flags"
  fi
done

start=$(date +%s)
export zarts out common
for seed in $seeds; do
  # The flags are words; a blank at the end would join two lines.
  # shellcheck disable=SC2046
  for method in $methods; do echo "$method" "$seed" $(own "$method"); done
done | xargs -P "$jobs" -L 1 sh -c '
  method=$1
  seed=$2
  shift 2
  run="$out/runs/$method-$seed"
  log="$out/logs/$method-$seed.txt"
  if [ -e "$run/genotype.txt" ]; then exit 0; fi
  if [ -e "$run/checkpoints/epoch-000.safetensors" ] || [ -e "$run/metrics.csv" ]; then
    nice "$zarts" search --resume "$run" --threads 1 >> "$log" 2>&1
  else
    rm -rf "$run"
    nice "$zarts" search --method "$method" --seed "$seed" $common "$@" --keep-last 1 --threads 1 --out "$run" > "$log" 2>&1
  fi || { echo "study: $method on seed $seed failed:" >&2; tail -3 "$log" >&2; exit 1; }
  # Processor time, which other work on the machine changes less than the wall time: the second line is the search.
  # No pipe: its end would be a process of its own, without children.
  times > "$out/cpu/$method-$seed.txt"
  echo "study: $method on seed $seed done"
' run

set --
for method in $methods; do
  for seed in $seeds; do set -- "$@" "$out/runs/$method-$seed"; done
done
echo
"$zarts" curves "$@" --column validation_loss,training_loss,validation_accuracy \
  --title "Search methods on the same seeds" --out "$out/$name.png"
echo
"$zarts" curves "$@" --column skip_connections,skip_connections_reduce,alpha_entropy_normal \
  --title "What became of α" --out "$out/$name-alphas.png"
case " $methods " in
  *" darts1 "*)
    # What random search reports is the loss of one architecture, not of a supernet: it would set the scale of all.
    set --
    for method in $methods; do
      [ "$method" != random ] || continue
      for seed in $seeds; do set -- "$@" "$out/runs/$method-$seed"; done
    done
    echo
    "$zarts" curves "$@" --column validation_loss,validation_accuracy --minus darts1 --from-epoch "$warmup" \
      --title "Differences from first-order DARTS" --out "$out/$name-differences.png"
    ;;
esac
echo
echo "Of each run: method and seed, updates of α, weight steps of the run, wall seconds, processor seconds (since it last went on);"
echo "epochs that darts-ada went back over are in the processor seconds alone"
for method in $methods; do
  for seed in $seeds; do
    cpu=-
    if [ -e "$out/cpu/$method-$seed.txt" ]; then
      cpu=$(awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); print 60 * (u[1] + s[1]) + u[2] + s[2] }' \
        "$out/cpu/$method-$seed.txt")
    fi
    awk -F , -v name="$method-$seed" -v cpu="$cpu" '
      NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
      { updates += $column["alpha_updates"]; seconds += $column["seconds"]; steps = $column["weight_steps"] }
      END { printf "%-14s %5d %6d %8.1f %8s\n", name, updates, steps, seconds, cpu }' "$out/runs/$method-$seed/metrics.csv"
  done
done
echo
echo "study: done in $(($(date +%s) - start)) s, into $out"
