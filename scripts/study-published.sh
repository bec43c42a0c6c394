#!/bin/sh
# The published search on S1 at its published size, beside the public logs: second-order DARTS and ZARTS on the same seed, then
# first order, then another seed; of each a diagnosis, how well L1 and L2 follow the true loss, and two landscapes.
# Days on two cores. What is there is kept and what was cut short goes on, so the same command continues a study that was
# stopped anywhere, by Ctrl-C, by a signal or by force. docs/study-published.md says what came of it.
set -eu
# A shell reads on in its script as it goes; one that runs for days is read as a whole before it begins.
{
cd "$(dirname "$0")/.."
usage() {
  echo "usage: scripts/study-published.sh DATASET [OUT]" >&2
  echo "  DATASET cifar10:PATH, another that zarts search takes, or the path of CIFAR-10 as JPEG images (an archive or a folder of" >&2
  echo "          train/CLASS/*.jpg and test/CLASS/*.jpg), which are converted once, into OUT/data; OUT runs/study-published" >&2
  echo "  from the environment, where other than the preset's: EPOCHS WARMUP CHANNELS LAYERS BATCH TRAIN_LIMIT;" >&2
  echo "  DEPTHWISE_INITIALISATION (pytorch-0.3); of the analyses FIDELITY_EPOCHS LANDSCAPE_EPOCHS DIRECTIONS REPEATS GRID DIAGNOSE_EVERY; what is" >&2
  echo "  run: SEARCHES (METHOD-SEED ...); LOGS, the folder of the public logs (docs/public-logs.md), drawn beside" >&2
  echo "  THREADS (0, all that may be used), NICE (19), PYTHON (python3, with Pillow, for JPEG)" >&2
  exit 64
}
[ $# -ge 1 ] && [ $# -le 2 ] && [ -n "$1" ] || usage
dataset=$1
out=${2:-runs/study-published}
zarts=${ZARTS:-$(swift build -c release --show-bin-path)/zarts}
[ -x "$zarts" ] || { echo "study: $zarts is not built; run 'make build' first" >&2; exit 1; }
threads=${THREADS:-0}
searches=${SEARCHES:-darts2-0 zarts-mgs-0 darts1-0 darts2-1 zarts-mgs-1}
fidelity_epochs=${FIDELITY_EPOCHS:-5 10 20 30 50}
landscape_epochs=${LANDSCAPE_EPOCHS:-10 30}
if [ -n "${LOGS:-}" ] && ! grep -q 's1-cifar10-dp0.0-wd0.0003-' "$LOGS/epochs.csv"; then
  echo "study: LOGS: no searches s1-cifar10-dp0.0-wd0.0003-… in $LOGS/epochs.csv; docs/public-logs.md says what it holds" >&2
  exit 1
fi
mkdir -p "$out/logs" "$out/runs"

# A signal goes on to what is being computed, which writes down where it is and ends.
child=
name=
stop() {
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -s TERM "$child" 2> /dev/null || true
    wait "$child" || true
  fi
  echo "study: stopped${name:+ in $name}; the same command goes on" >&2
  exit $((128 + $1))
}
trap 'stop 1' HUP
trap 'stop 2' INT
trap 'stop 15' TERM

# start NAME COMMAND...: runs it with its output in a log.
start() {
  name=$1
  shift
  echo "study: $(date -u +%Y-%m-%dT%H:%M:%SZ) $name"
  nice -n "${NICE:-19}" "$@" >> "$out/logs/$name.txt" 2>&1 &
  child=$!
  status=0
  wait "$child" || status=$?
  child=
  if [ "$status" -ne 0 ]; then
    echo "study: $name ended with status $status:" >&2
    tail -n 3 "$out/logs/$name.txt" >&2
    exit 1
  fi
}

# One study in a folder at a time. What is being computed holds the lock too: after a kill of this script alone it goes on, and
# is waited for.
if command -v flock > /dev/null; then
  exec 9> "$out/.lock"
  if ! flock -n 9; then
    echo "study: another process works in $out; waiting for its end" >&2
    flock 9 &
    child=$!
    wait "$child"
    child=
  fi
fi

# Images in folders are read class by class and decoded at each use; the binary layout is read once.
case $dataset in
  *:*) ;;
  *)
    [ -e "$dataset" ] || { echo "study: no $dataset" >&2; exit 1; }
    # Written last.
    if [ ! -e "$out/data/batches.meta.txt" ]; then
      start convert "${PYTHON:-python3}" scripts/cifar_from_jpeg.py "$dataset" "$out/data"
    fi
    dataset=cifar10:$out/data
    ;;
esac

# Fixed halves in file order and validation with running statistics are the preset's. DARTS has no warm-up. The public logs are of
# PyTorch 0.3.1, so depthwise weights begin as small as there.
DEPTHWISE_INITIALISATION=${DEPTHWISE_INITIALISATION:-pytorch-0.3}
# Runs of other settings would stand beside one another without notice.
set -- --preset "${PRESET:-paper-rdarts-s1-cifar10}" --eigenvalue-every 2
for setting in EPOCHS CHANNELS LAYERS BATCH TRAIN_LIMIT DEPTHWISE_INITIALISATION; do
  eval "value=\${$setting:-}"
  [ -z "$value" ] || set -- "$@" "--$(echo "$setting" | tr 'A-Z_' 'a-z-')" "$value"
done
settings="$*"
zarts_settings=${WARMUP:+--warmup $WARMUP}
all="$settings${zarts_settings:+, ZARTS $zarts_settings}"
if [ ! -e "$out/settings.txt" ]; then
  echo "$all" > "$out/settings.txt.new"
  mv "$out/settings.txt.new" "$out/settings.txt"
elif [ "$(cat "$out/settings.txt")" != "$all" ]; then
  echo "study: $out holds a study of other settings; remove it or name another folder: $(cat "$out/settings.txt")" >&2
  exit 1
fi

# search METHOD SEED
search() {
  run="$out/runs/$1-$2"
  if grep -q ' finished$' "$run/log.txt" 2> /dev/null && [ -e "$run/genotype.txt" ]; then return 0; fi
  if [ -n "$(find "$run/checkpoints" -name 'epoch-*.safetensors' 2> /dev/null | head -n 1)" ]; then
    start "search-$1-$2" "$zarts" search --resume "$run" --dataset "$dataset" --threads "$threads"
  else
    # Ended before there was anything to go on from.
    rm -rf "$run"
    case $1 in zarts-*) extra=$zarts_settings ;; *) extra= ;; esac
    # Settings are words.
    start "search-$1-$2" "$zarts" search $settings $extra --method "$1" --seed "$2" --dataset "$dataset" \
      --checkpoint-every 50 --threads "$threads" --out "$run"
  fi
  # What served to go on within an epoch.
  find "$run/checkpoints" -name 'epoch-*-step-*.safetensors' -delete
}

# Eigenvalues are there every second epoch, which is the cadence of RobustDARTS' code.
diagnose() {
  if [ -e "$out/runs/$1/diagnosis.yaml" ]; then return 0; fi
  start "diagnose-$1" "$zarts" diagnose "$out/runs/$1" --every "${DIAGNOSE_EVERY:-5}" --eigenvalue-rule code \
    --dataset "$dataset" --threads "$threads"
}

# study COMMAND RUN EPOCH RESULT SETTINGS FLAG...
study() {
  command=$1 run=$2 epoch=$3 result=$4 begun=$5
  shift 5
  folder=$(printf '%s/%s/%s-%03d' "$out" "$command" "$run" "$epoch")
  if [ -e "$folder/$result" ]; then return 0; fi
  mkdir -p "$out/$command"
  if [ -e "$folder/$begun" ]; then set -- "$@" --resume; else rm -rf "$folder"; fi
  start "$command-$(basename "$folder")" "$zarts" "$command" --run "$out/runs/$run" --epoch "$epoch" \
    --dataset "$dataset" --threads "$threads" "$@" --out "$folder"
}

analyse() {
  diagnose "$1"
  # Distances of a length of their own: that of α is 0.01 where a search has only warmed up, and another in each run and epoch.
  for epoch in $fidelity_epochs; do
    study fidelity "$1" "$epoch" fidelity.csv fidelity.yaml --length unit --directions "${DIRECTIONS:-24}" --repeats "${REPEATS:-8}" \
      --validation-batches 8
  done
  for epoch in $landscape_epochs; do
    study landscape "$1" "$epoch" landscape.csv landscape.yaml --objectives first,second,true:10 --normalisation none \
      --grid "${GRID:-15}" --validation-batches 8
  done
}

# The methods of a seed are searched before any is analysed, so that the first searches are there early.
done_searches=
for one in $searches; do
  method=${one%-*}
  seed=${one##*-}
  search "$method" "$seed"
  done_searches="$done_searches $one"
  case $one in darts2-*) continue ;; esac
  for searched in $done_searches; do analyse "$searched"; done
done
for searched in $done_searches; do analyse "$searched"; done

name=
set --
for one in $searches; do set -- "$@" "$out/runs/$one"; done
columns=skip_connections,skip_connections_reduce,validation_accuracy_running
# The first eigenvalue comes after the second epoch.
if [ "${EPOCHS:-50}" -gt 1 ]; then columns=$columns,dominant_eigenvalue; fi
"$zarts" summary "$@"
set -- "$@" --column "$columns" --title "S1 at the published size"
if [ -n "${LOGS:-}" ]; then
  set -- "$@" --log "$LOGS/epochs.csv" --log-runs 's1-cifar10-dp0.0-wd0.0003-*' --log-name 'public darts2' --log-running --band range
fi
"$zarts" curves "$@" --out "$out/study-published.png" --out "$out/study-published.pdf"
for one in $searches; do
  set --
  for epoch in $fidelity_epochs; do set -- "$@" "$(printf '%s/fidelity/%s-%03d' "$out" "$one" "$epoch")"; done
  "$zarts" agreement "$@" --statistic gradient_cosine,spearman,slope --title "$one on S1 at the published size" \
    --out "$out/agreement-$one.png" --out "$out/agreement-$one.pdf"
done
"$zarts" report "$out" --out "$out/report.html" > /dev/null
echo "study: done; figures and report.html in $out; scripts/published-data.sh $out collects the tables"
exit 0
}
