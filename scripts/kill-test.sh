#!/bin/sh
# Kills a search without warning at random moments, twenty times in a row, goes on after each, and compares
# the result byte for byte with that of a search that was left alone; or, where the method is `landscape-weights` or
# `spectrum-weights`, a landscape or spectrum over ω in its place. Writes into a temporary folder.
# usage: scripts/kill-test.sh [KILLS [METHOD]]
set -eu
cd "$(dirname "$0")/.."
kills=${1:-20}
method=${2:-zarts-mgs}
every=3
zarts="$(swift build -c release --show-bin-path)/zarts"
[ -x "$zarts" ] || { echo "kill-test: $zarts is not built; run 'make build' first" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

fail() {
  echo "kill-test: $*" >&2
  exit 1
}

# Takes the place of the shell that calls it: a shell in between would be killed in the search's stead.
search() {
  exec "$zarts" search --preset smoke --method "$method" --epochs 40 --checkpoint-every "$every" --tensorboard \
    --threads 1 --out "$1"
}

# A study over ω, killed and continued.
study() {
  command=${method%%-*}
  "$zarts" search --preset smoke --epochs 2 --threads 1 --out "$out/subject" > /dev/null 2> "$out/errors" ||
    fail "$(cat "$out/errors")"
  case $method in
    landscape-weights) flags="--epoch 2 --objectives first,true:5 --grid 15 --range 0.5 --validation-batches 2 --refine 2" ;;
    *) flags="--epochs 1,2 --eigenvalues 2 --probes 60 --density-steps 20 --density-starts 6 --batches 2" ;;
  esac
  # Takes the place of the shell that calls it, as `search` does. The flags are words.
  # shellcheck disable=SC2086
  measure() {
    to=$1
    shift
    exec "$zarts" "$command" --run "$out/subject" --over weights $flags --threads 1 --out "$to" "$@"
  }
  echo "kill-test: $method, undisturbed"
  start=$(date +%s%N)
  (measure "$out/whole") > /dev/null 2> "$out/errors" || fail "$(cat "$out/errors")"
  milliseconds=$((($(date +%s%N) - start) / 1000000))
  echo "kill-test: $milliseconds ms; now $kills kills"
  seed=${KILL_TEST_SEED:-$(($(date +%s) % 100000))}
  done=0
  attempt=0
  while [ "$done" -lt "$kills" ]; do
    attempt=$((attempt + 1))
    [ "$attempt" -le $((4 * kills)) ] || fail "only $done of $attempt runs were still going when they were to be killed"
    if [ -e "$out/broken/journal.csv" ]; then
      rows=$(wc -l < "$out/broken/journal.csv")
      measure "$out/broken" --resume > /dev/null 2> "$out/errors" &
    else
      # Killed before it had anything to go on from, or over.
      rm -rf "$out/broken"
      rows=0
      measure "$out/broken" > /dev/null 2> "$out/errors" &
    fi
    process=$!
    delay=$(awk -v seed="$seed" -v turn="$attempt" -v most="$((2 * milliseconds / kills))" \
      'BEGIN { srand(seed + 7919 * turn); for (i = 0; i < 20; i++) rand(); printf "%.3f", rand() * most / 1000 }')
    sleep "$delay"
    status=0
    kill -9 "$process" 2> /dev/null || true
    wait "$process" 2> /dev/null || status=$?
    case $status in
      137) ;;
      0)
        rm -rf "$out/broken"
        continue
        ;;
      *) fail "a run failed with status $status: $(cat "$out/errors")" ;;
    esac
    done=$((done + 1))
    now=$(cat "$out/broken/journal.csv" 2> /dev/null | wc -l)
    printf 'kill-test: %2d. kill after %s s, %d rows in the journal\n' "$done" "$delay" "$now"
    # A row that is torn may go, no other.
    if [ -e "$out/broken/journal.csv" ] && [ "$now" -lt $((rows - 1)) ]; then fail "$rows rows became $now"; fi
  done
  if [ -e "$out/broken/journal.csv" ]; then
    (measure "$out/broken" --resume) > /dev/null 2> "$out/errors" || fail "$(cat "$out/errors")"
  else
    rm -rf "$out/broken"
    (measure "$out/broken") > /dev/null 2> "$out/errors" || fail "$(cat "$out/errors")"
  fi
  names=$(cd "$out/whole" && find . -name '*.csv' -o -name '*.np?' -o -name '*.safetensors' -o -name '*.yaml')
  [ -n "$names" ] || fail "there are no tables"
  for name in $names; do cmp "$out/whole/$name" "$out/broken/$name" || fail "$name differs"; done
  leftovers=$(find "$out/broken" -name '.*.tmp' | wc -l)
  [ "$leftovers" -eq 0 ] || fail "$leftovers temporary files are left"
  echo "kill-test: after $done kills in $attempt runs" $names "are the same"
}

case $method in
  *-weights)
    study
    exit
    ;;
esac

continuations() { grep -c 'continues from' "$out/broken/log.txt" || true; }

# Without the suffix the names sort in the order of the run.
newest() {
  find "$out/broken/checkpoints" -name 'epoch-*.safetensors' | sed 's/[.]safetensors$//' | LC_ALL=C sort | tail -n 1 |
    sed 's/$/.safetensors/'
}

echo "kill-test: $method, undisturbed"
start=$(date +%s%N)
(search "$out/whole") > /dev/null 2> "$out/errors" || fail "$(cat "$out/errors")"
milliseconds=$((($(date +%s%N) - start) / 1000000))
echo "kill-test: $milliseconds ms; now $kills kills"

# A seed makes a failure repeatable, as far as a clock lets it.
seed=${KILL_TEST_SEED:-$(($(date +%s) % 100000))}
done=0
attempt=0
while [ "$done" -lt "$kills" ]; do
  attempt=$((attempt + 1))
  [ "$attempt" -le $((4 * kills)) ] || fail "only $done of $attempt runs were still going when they were to be killed"
  if [ -e "$out/broken/config.yaml" ]; then
    before=$(newest)
    continued=$(continuations)
    "$zarts" search --resume "$out/broken" > /dev/null 2> "$out/errors" &
  else
    # Killed before it had anything to go on from.
    rm -rf "$out/broken"
    before=""
    search "$out/broken" > /dev/null 2> "$out/errors" &
  fi
  process=$!
  # Up to twice what would use up the run by the last kill: resuming takes part of each turn.
  delay=$(awk -v seed="$seed" -v turn="$attempt" -v most="$((2 * milliseconds / kills))" \
    'BEGIN { srand(seed + 7919 * turn); for (i = 0; i < 20; i++) rand(); printf "%.3f", rand() * most / 1000 }')
  sleep "$delay"
  status=0
  kill -9 "$process" 2> /dev/null || true
  wait "$process" 2> /dev/null || status=$?
  if [ "$status" -eq 137 ]; then
    done=$((done + 1))
    printf 'kill-test: %2d. kill after %s s, newest checkpoint %s\n' "$done" "$delay" "$(basename "$(newest)" .safetensors)"
  elif [ "$status" -ne 0 ]; then
    fail "a run failed with status $status: $(cat "$out/errors")"
  else
    # It finished first: start over, so that every kill meets a running search.
    rm -rf "$out/broken"
    continue
  fi
  # Nothing before the newest checkpoint is lost: it is what the run must have gone on from, if it got that far.
  if [ -n "$before" ] && [ "$(continuations)" -gt "$continued" ]; then
    from=$(grep 'continues from' "$out/broken/log.txt" | tail -n 1 | sed 's/.*continues from //')
    [ "$from" = "$before" ] || fail "went on from $from where $before was there"
  fi
done

"$zarts" search --resume "$out/broken" > /dev/null 2> "$out/errors" || fail "$(cat "$out/errors")"

epochs=0
for file in "$out"/whole/checkpoints/epoch-???.safetensors; do
  cmp "$file" "$out/broken/checkpoints/$(basename "$file")" || fail "checkpoints differ"
  epochs=$((epochs + 1))
done
for file in alphas.npy genotypes.txt genotype.txt config.yaml; do
  cmp "$out/whole/$file" "$out/broken/$file" || fail "$file differs"
done
# All columns but the last, the wall time.
for run in whole broken; do sed 's/,[^,]*$//' "$out/$run/metrics.csv" > "$out/$run.csv"; done
cmp "$out/whole.csv" "$out/broken.csv" || fail "metrics.csv differs"
leftovers=$(find "$out/broken" -name '.*.tmp' | wc -l)
[ "$leftovers" -eq 0 ] || fail "$leftovers temporary files are left"
if grep -q ' warning ' "$out/broken/log.txt"; then fail "$(grep ' warning ' "$out/broken/log.txt")"; fi
echo "kill-test: after $done kills in $attempt runs $epochs checkpoints, metrics.csv, alphas.npy and genotypes.txt are the same"
