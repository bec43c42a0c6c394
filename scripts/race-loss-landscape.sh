#!/bin/sh
# The plane of a small retrained network by `zarts landscape --over weights` and by plot_surface.py of loss-landscape (Li et al. 2018),
# on the same weights, images, directions and cores, in turn: seconds a point, the ratio of neighbours, and how far losses differ.
#   scripts/race-loss-landscape.sh OUT LOSS_LANDSCAPE CIFAR [ROUNDS]        default: 3 rounds
# LOSS_LANDSCAPE: a checkout of tomgoldstein/loss-landscape. CIFAR: a folder of CIFAR-10's binary files.
# GRID (9) points a side over [-1, 1]²; the issue's plane is GRID=51, whose cost is extrapolated from the points of a smaller one.
# CHANNELS (16), LAYERS (8), IMAGES (1000 test images), BATCH (100), THREADS (2), BINARY, PYTHON (python3) may be set; PYTHON needs
# torch, numpy, safetensors and h5py. race_loss_landscape.py says what of theirs is adapted. Writes OUT/race.csv and prints the table.
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 3 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
theirs=$(cd "$2" && pwd)
rounds=${4:-3}
grid=${GRID:-9}
threads=${THREADS:-2}
images=${IMAGES:-1000}
binary=${BINARY:-$(swift build -c release --show-bin-path)/zarts}
python=${PYTHON:-python3}
genotype="Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
[ -x "$binary" ] || { echo "race: $binary is not built; run 'make build' first" >&2; exit 1; }
race() { "$python" scripts/race_loss_landscape.py "$@"; }
now() { date +%s.%N; }

# The images: all training records, the first of the test records.
mkdir -p "$out/cifar"
for file in "$3"/*; do ln -sf "$(realpath "$file")" "$out/cifar/"; done
rm -f "$out/cifar/test_batch.bin"
head -c $((3073 * images)) "$3/test_batch.bin" >"$out/cifar/test_batch.bin"
cifar="$out/cifar"

if ! [ -f "$out/network/checkpoints/epoch-001.safetensors" ]; then
  rm -rf "$out/network"
  "$binary" retrain --genotype "$genotype" --dataset "cifar10:$cifar" --channels "${CHANNELS:-16}" --layers "${LAYERS:-8}" \
    --batch "${BATCH:-100}" --epochs 1 --no-auxiliary --threads "$threads" --out "$out/network" \
    >"$out/network.log" 2>&1
fi
rm -rf "$out/plane"
mkdir -p "$out/plane"
printf '%s\n' "$genotype" >"$out/plane/genotype.txt"
race prepare "$out" "$theirs" --channels "${CHANNELS:-16}" --layers "${LAYERS:-8}"

ours() { # ROUND GRID
  rm -rf "$out/plane/ours-$1"
  start=$(now)
  "$binary" landscape --over weights --retraining "$out/network" --data test --validation-batches all --batch-norm running --objectives first \
    --directions "file:$out/plane/directions.safetensors#x,file:$out/plane/directions.safetensors#y" --range 1 --grid "$2" \
    --threads "$threads" --out "$out/plane/ours-$1" ${EXTRA:-} >"$out/plane/ours-$1.log" 2>&1
  echo "ours,$1,$2,$(echo "$start $(now)" | awk '{ print $2 - $1 }')" >>"$out/plane/seconds.csv"
}
their() { # ROUND GRID
  start=$(now)
  race theirs "$out" "$theirs" --cifar "$cifar" --batch "${BATCH:-100}" --grid "$2" --threads "$threads" \
    --channels "${CHANNELS:-16}" --layers "${LAYERS:-8}" --round "$1" >"$out/plane/theirs-$1.log" 2>&1
  echo "theirs,$1,$2,$(echo "$start $(now)" | awk '{ print $2 - $1 }')" >>"$out/plane/seconds.csv"
}
echo "who,round,grid,seconds" >"$out/plane/seconds.csv"
round=1
while [ "$round" -le "$rounds" ]; do # every second round backwards
  if [ $((round % 2)) = 1 ]; then ours "$round" "$grid"; their "$round" "$grid"; else their "$round" "$grid"; ours "$round" "$grid"; fi
  round=$((round + 1))
done
race table "$out" --rounds "$rounds" --grid "$grid" | tee "$out/race.txt"
