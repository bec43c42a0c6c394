#!/bin/sh
# Collects the small results of scripts/study-published.sh into notebooks-data/published: metrics, α, genotypes, eigenvalues, tables; no
# checkpoints, no wall times, no paths. Whatever is there is taken, so it can be run after any epoch; what a study does
# not have yet stays as it was collected before.
set -eu
cd "$(dirname "$0")/.."
[ $# -le 2 ] || { echo "usage: scripts/published-data.sh [STUDY [INTO]]   (runs/study-published, notebooks-data/published)" >&2; exit 64; }
study=${1:-runs/study-published}
into=${2:-notebooks-data/published}
[ -d "$study/runs" ] || { echo "published-data: $study holds no study; run 'make study-published'" >&2; exit 1; }

# take FILE NAME [SED PROGRAM]: under another name first, and only where it says something new.
count=0
take() {
  [ -e "$1" ] || return 0
  mkdir -p "$into/$(dirname "$2")"
  sed "${3:-}" "$1" > "$into/$2.new"
  if cmp -s "$into/$2.new" "$into/$2"; then rm "$into/$2.new"; else mv "$into/$2.new" "$into/$2"; fi
  count=$((count + 1))
}
# A run that has only begun says nothing.
for run in $(find "$study/runs" -mindepth 1 -maxdepth 1 -type d | LC_ALL=C sort); do
  name=$(basename "$run")
  [ -e "$run/metrics.csv" ] || continue
  take "$run/config.yaml" "$name/config.yaml" 's/^dataset: "[^":]*:[^"?]*/dataset: "cifar10:data\/cifar10/; s/^threads: [0-9]*/threads: 0/'
  # The last column is the wall time, the only one that another run does not repeat.
  take "$run/metrics.csv" "$name/metrics.csv" 's/,[^,]*$//'
  take "$run/genotypes.txt" "$name/genotypes.txt"
  take "$run/diagnosis.csv" "$name/diagnosis.csv"
  take "$run/diagnosis.txt" "$name/diagnosis.txt"
  if [ -e "$run/alphas.npy" ]; then
    mkdir -p "$into/$name"
    cmp -s "$run/alphas.npy" "$into/$name/alphas.npy" || cp "$run/alphas.npy" "$into/$name/alphas.npy"
    count=$((count + 1))
  fi
done
for kind in fidelity landscape; do
  [ -d "$study/$kind" ] || continue
  for folder in $(find "$study/$kind" -mindepth 1 -maxdepth 1 -type d | LC_ALL=C sort); do
    # RUN-EPOCH, into the run's folder.
    name=$(basename "$folder")
    place="${name%-*}/$kind-${name##*-}"
    # Tables are written when all points are there.
    if [ -e "$folder/$kind.csv" ]; then
      take "$folder/$kind.yaml" "$place/$kind.yaml" \
        's/^dataset: "[^":]*:[^"?]*/dataset: "cifar10:data\/cifar10/; s/^checkpoint: ".*\/\([^\/]*\/checkpoints\/\)/checkpoint: "\1/'
    fi
    for table in fidelity.csv fidelity-samples.csv fidelity-plane.csv landscape.csv comparison.csv; do
      if [ -e "$folder/$kind.csv" ]; then take "$folder/$table" "$place/$table"; fi
    done
  done
done
echo "published-data: $count files in $into, $(du -sk "$into" 2> /dev/null | cut -f1) kB"
