#!/bin/sh
# Collects the tables of the reference study into notebooks-data/, or with --check compares them with what is there.
set -eu
cd "$(dirname "$0")/.."
usage() { echo "usage: scripts/notebooks-data.sh [--check] [STUDY]   (runs/reference)" >&2; exit 64; }
check=no
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi
[ $# -le 1 ] || usage
case ${1:-} in -*) usage ;; esac
study=${1:-runs/reference}
[ -e "$study/spectrum/spectrum.csv" ] || { echo "notebooks-data: $study holds no finished study; run 'make notebooks-data'" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for method in darts1 zarts-mgs; do
  mkdir -p "$work/$method"
  # The last column is the wall time, the only one that another run does not repeat.
  sed 's/,[^,]*$//' "$study/$method/metrics.csv" > "$work/$method/metrics.csv"
  cp "$study/$method/alphas.npy" "$study/$method/genotypes.txt" "$work/$method"
done
for name in landscape plane; do
  mkdir -p "$work/$name"
  cp "$study/$name/landscape.csv" "$study/$name/landscape.npz" "$study/$name/landscape.yaml" "$study/$name/comparison.csv" "$work/$name"
done
cp "$study/plane/trajectory.csv" "$work/plane"
for name in lines lines-running lines-recalibrated lines-small-rate; do
  mkdir -p "$work/$name"
  cp "$study/$name/lines.csv" "$study/$name/landscape.yaml" "$work/$name"
done
for epoch in 2 8 16 16-large-rate; do
  mkdir -p "$work/fidelity-$epoch"
  cp "$study/fidelity-$epoch/fidelity-samples.csv" "$study/fidelity-$epoch/fidelity.csv" "$work/fidelity-$epoch"
done
mkdir -p "$work/estimators" "$work/spectrum"
cp "$study/estimators/estimators.csv" "$work/estimators"
cp "$study/spectrum/spectrum.csv" "$work/spectrum"

files=$(cd "$work" && find . -type f | LC_ALL=C sort)
if [ $check = no ]; then
  for file in $files; do
    mkdir -p "notebooks-data/$(dirname "$file")"
    cp "$work/$file" "notebooks-data/$file"
  done
  echo "notebooks-data: $(echo "$files" | wc -l) files, $(du -sk notebooks-data | cut -f1) kB"
else
  differing=0
  for file in $files; do
    # Settings name the study's folder, so only values are compared.
    case $file in *.yaml) continue ;; esac
    cmp -s "$work/$file" "notebooks-data/$file" || { echo "notebooks-data: ${file#./} differs"; differing=$((differing + 1)); }
  done
  [ $differing = 0 ] || { echo "notebooks-data: $differing files differ from those of $study" >&2; exit 1; }
  echo "notebooks-data: agrees with $study, byte for byte"
fi
