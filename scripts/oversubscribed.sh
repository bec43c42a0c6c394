#!/bin/sh
# Images a second of PROCESSES benches at a time, of THREADS threads each, in sum, against one alone: on a machine of THREADS
# processors they should together get at least 0.90 of it. Wants a quiet machine.
#   scripts/oversubscribed.sh [PROCESSES] [THREADS] [ROUNDS] [BINARY]       default: 4 2 3, the release build
# Each round measures one alone, all at a time, and one alone again; the ratio is of all to the mean of the two.
set -eu
cd "$(dirname "$0")/.."
processes=${1:-4}
threads=${2:-2}
rounds=${3:-3}
binary=${4:-$(swift build -c release --show-bin-path)/zarts}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The mean over runs would be wanted of those that run side by side, but `bench` tells the best: so whole processes are timed over
# a fixed number of steps, from when all have started up to when the last one ends, and what start-up costs is measured and
# taken off: a bench of 1 step from one of STEPS + 1. Memory that no process has touched for a while can take a virtual machine seconds
# to give, which start-up would be charged with alone: as many processes touch it before.
steps=${STEPS:-12}
now() { date +%s.%N; }
seconds() { # PROCESSES STEPS
  start=$(now)
  for index in $(seq "$1"); do
    "$binary" bench --quantities train_step --threads "$threads" --repeats "$2" --json ${FLAGS:-} >"$folder/$index" &
    eval "job_$index=$!"
  done
  for index in $(seq "$1"); do eval "wait \$job_$index"; done
  echo "$start $(now)" | awk '{ print $2 - $1 }'
}
rate() { # PROCESSES: images a second, in sum
  seconds "$1" 1 >"$folder/unmeasured"
  short=$(seconds "$1" 1)
  long=$(seconds "$1" $((steps + 1)))
  batch=$(sed 's/.*"batch":\([0-9]*\).*/\1/' "$folder/1")
  echo "$short $long" | awk -v n="$1" -v s="$steps" -v b="$batch" '{ print n * s * b / ($2 - $1) }'
}

for round in $(seq "$rounds"); do
  before=$(rate 1)
  all=$(rate "$processes")
  after=$(rate 1)
  echo "$before $all $after"
done | awk -v n="$processes" -v t="$threads" '{
  ratio = 2 * $2 / ($1 + $3)
  if (NR == 1 || ratio < worst) worst = ratio
  sum += ratio
  printf "round %d: one alone %.1f and %.1f, %d together %.1f images/s, ratio %.3f\n", NR, $1, $3, n, $2, ratio
} END { printf "%d processes of %d threads: mean ratio %.3f, worst %.3f\n", n, t, sum / NR, worst }'
