#!/bin/sh
# Efficiency over ranks, T(1 rank) / (n · T(n ranks)), of a landscape, of a search by ZARTS-MGS and of a comparison, on the network
# of the papers, each rank bound to one core. Wants a quiet machine with as many cores as the most ranks. Rounds go through the
# ranks in turn, every second one backwards. Results of all ranks are compared byte for byte.
#   scripts/scaling.sh OUT [ROUNDS [RANKS]]         default: 3 rounds of "1 2"
# writes OUT/constants.json (what one core takes), OUT/scaling.csv (a row a run: seconds, messages, memory) and prints the table
# and what the model of docs/scaling.md says for the same runs. About ten minutes a round of "1 2" on two cores with AVX-512.
# WORK="landscape search compare" chooses; "unconnected" is what the machine itself loses: n programs that know nothing of each other,
# each with the whole landscape on a core of its own, beside one alone. BINARY, DATASET (fashion-mnist) and MPIRUN (mpirun --bind-to core --map-by core) may be
# set. CHANNELS, LAYERS, BATCH, GRID and STEPS make it small, to try the script; then the model's check means little.
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
rounds=${2:-3}
ranks=${3:-1 2}
work=${WORK:-landscape search compare}
binary=${BINARY:-$(swift build -c release --show-bin-path)/zarts}
launcher=${MPIRUN:-mpirun --bind-to core --map-by core}
dataset=${DATASET:-fashion-mnist}
network="--space s6 --dataset $dataset --channels ${CHANNELS:-16} --layers ${LAYERS:-8} --batch ${BATCH:-64}"
grid=${GRID:-6}
steps=${STEPS:-2}
# mpirun refuses to run as root unless told twice.
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
[ -x "$binary" ] || { echo "scaling: $binary is not built; run 'make build' first" >&2; exit 1; }
now() { date +%s.%N; }

# A run whose checkpoint landscapes are drawn of: one step.
if ! [ -f "$out/run/genotype.txt" ]; then
  rm -rf "$out/run"
  "$binary" search --method darts1 $network --train-limit 128 --epochs 1 --warmup 0 --out "$out/run" >"$out/run.log" 2>&1
fi

landscape() { echo "landscape --run $out/run --objectives true:$steps --grid $grid --out"; }
# An epoch of four steps, after every second of which α moves by four candidates of two steps; the half that validates is four batches.
search() {
  echo "search --method zarts-mgs $network --train-limit $((8 * ${BATCH:-64})) --epochs 2 --warmup 0 --inner-steps $steps --candidates 4 --out"
}
# Four runs without a warm-up.
compare() {
  echo "compare --methods darts1 --seeds 0-3 $network --train-limit $((8 * ${BATCH:-64})) --epochs 2 --warmup 0 --out"
}

# What one core takes. The start is that of the smallest landscape, less its pass.
rm -f "$out/bench" "$out/start"
$launcher -n 1 "$binary" bench --space s6 --channels "${CHANNELS:-16}" --layers "${LAYERS:-8}" --batch "${BATCH:-64}" \
  --threads 1 --quantities train_step,forward,alpha_first --json >"$out/bench"
for try in 1 2 3; do
  rm -rf "$out/small"
  start=$(now)
  $launcher -n 1 "$binary" landscape --run "$out/run" --objectives first --grid 1 --out "$out/small" >"$out/small.log" 2>&1
  echo "$start $(now)" | awk '{ print $2 - $1 }' >>"$out/start"
done
python3 scripts/scaling.py constants "$out/bench" "$out/start" --grid "$grid" --steps "$steps" >"$out/constants.json"

csv="$out/scaling.csv"
echo "work,ranks,round,seconds,messages_sent,bytes_sent,messages_received,bytes_received,wall_seconds,leader_seconds,pieces,peak_bytes" >"$csv"
unconnected() { # COUNT
  programs=
  for place in $(seq "$1"); do
    rm -rf "$out/unconnected-$place" "$out/account-$place"
    ZARTS_CREW_ACCOUNT="$out/account-$place" taskset -c "$((place - 1))" "$binary" $(landscape) \
      "$out/unconnected-$place" --threads 1 >"$out/unconnected-$place.log" 2>&1 &
    programs="$programs $!"
  done
  for program in $programs; do wait "$program" || { cat "$out"/unconnected-*.log >&2; exit 1; }; done
  # That of the last to end.
  for place in $(seq "$1"); do cat "$out/account-$place"; done | sort -t, -k6 -g | tail -n 1 >"$out/account"
}
compared() { # KIND: what must not depend on the ranks
  case $1 in
    landscape | unconnected) echo landscape.csv ;;
    search) echo checkpoints/epoch-002.safetensors ;;
    compare) echo runs/s6-darts1-3/checkpoints/epoch-002.safetensors ;;
  esac
}
# Memory that no process has touched for a while can take a virtual machine seconds to give, the more the more ranks: as many touch
# it just before.
touch_memory() { # RANKS
  rm -rf "$out/touch"
  $launcher -n "$1" "$binary" landscape --run "$out/run" --objectives true:1 --kind line --directions random \
    --points $((2 * $1)) --out "$out/touch" >"$out/touch.log" 2>&1 || { cat "$out/touch.log" >&2; exit 1; }
}
one() { # KIND RANKS ROUND
  touch_memory "$2"
  folder="$out/$1-$2"
  rm -rf "$folder" "$out/account"
  start=$(now)
  if [ "$1" = unconnected ]; then
    unconnected "$2"
    folder="$out/unconnected-$2"
  else
    ZARTS_CREW_ACCOUNT="$out/account" $launcher -n "$2" "$binary" $($1) "$folder" >"$out/$1-$2.log" 2>&1 ||
      { cat "$out/$1-$2.log" >&2; exit 1; }
  fi
  end=$(now)
  [ -f "$out/account" ] || : >"$out/account"
  seconds=$(echo "$start $end" | awk '{ print $2 - $1 }')
  echo "$1,$2,$3,$seconds,$(python3 scripts/scaling.py account "$out/account")" >>"$csv"
  file=$(compared "$1")
  first="$out/$1.first"
  [ -f "$first" ] || cp "$folder/$file" "$first"
  cmp "$first" "$folder/$file" || { echo "scaling: $1 on $2 ranks has other results" >&2; exit 1; }
}

rm -f "$out"/*.first
reversed=$(printf '%s\n' $ranks | sed '1!G;h;$!d')
for round in $(seq "$rounds"); do
  order=$ranks
  [ $((round % 2)) = 1 ] || order=$reversed
  for kind in $work; do
    for count in $order; do one "$kind" "$count" "$round"; done
  done
done
python3 scripts/scaling.py table "$csv"
python3 scripts/scaling.py check "$out/constants.json" "$csv"
