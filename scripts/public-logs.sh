#!/bin/sh
# Verdicts on the published search logs of RobustDARTS, and how well they tell large validation errors from small ones; tables
# into OUT. docs/public-logs.md says what the files are and what came of it. A few seconds.
set -eu
cd "$(dirname "$0")/.."
usage() {
  echo "usage: scripts/public-logs.sh PATH [OUT]" >&2
  echo "  PATH folder with epochs.csv and runs.csv as docs/public-logs.md describes them; OUT runs/public-logs" >&2
  exit 64
}
. scripts/study-jobs.sh
[ $# -ge 1 ] && [ $# -le 2 ] && [ -n "$1" ] || usage
logs=$1
out=${2:-runs/public-logs}
for file in epochs runs; do
  [ -r "$logs/$file.csv" ] || { echo "study: no $logs/$file.csv" >&2; exit 1; }
done
mkdir -p "$out"

# The error of a run, named after what it is: 100 % minus the accuracy of the last epoch on the validation half.
sed '1s/retrained_test_error/validation_error/' "$logs/runs.csv" > "$out/runs.csv"

"$zarts" diagnose --log "$logs/epochs.csv" --space s1 --eigenvalue-rule code --outcomes "$out/runs.csv" \
  --outcome validation_error --outcome-groups drop_path_probability,weight_decay --out "$out/judged" > "$out/judged.txt"

# No cell of these two tables needs quotes. A row a setting, its seeds with commas between; last the whole of it.
awk -F , '
  FNR == 1 { for (i = 1; i <= NF; i++) at[FILENAME, $i] = i; next }
  FILENAME == ARGV[1] {
    key = $at[FILENAME, "drop_path_probability"] " | " $at[FILENAME, "weight_decay"]
    setting[$at[FILENAME, "run"]] = key
    if (!(key in seen)) { seen[key] = 1; order[++count] = key }
    next
  }
  {
    key = setting[$at[FILENAME, "run"]]
    verdict = $at[FILENAME, "verdict"]
    total[verdict]++
    epoch = $at[FILENAME, "epoch"]
    stop = $at[FILENAME, "stop_epoch"]
    sharp = $at[FILENAME, "dominant_eigenvalue"] == "" ? "?" : stop == "" ? "–" : stop
    comma = key in verdicts ? ", " : ""
    verdicts[key] = verdicts[key] comma (verdict == "not collapsed" ? "no" : verdict) (epoch == "" ? "" : " " epoch)
    stops[key] = stops[key] comma sharp
    normal[key] = normal[key] comma $at[FILENAME, "skips_normal"]
    reduce[key] = reduce[key] comma $at[FILENAME, "skips_reduce"]
    errors[key] = errors[key] comma sprintf("%.1f", $at[FILENAME, "validation_error"])
  }
  END {
    print "| drop-path | weight decay | verdict, since epoch | early stopping returns | skips, normal | skips, reduction | validation error, % |"
    print "| --- | --- | --- | --- | --- | --- | --- |"
    for (i = 1; i <= count; i++) {
      key = order[i]
      print "| " key " | " verdicts[key] " | " stops[key] " | " normal[key] " | " reduce[key] " | " errors[key] " |"
    }
    printf "\n%d collapsed, %d suspect, %d not collapsed\n", total["collapsed"], total["suspect"], total["not collapsed"]
  }' "$out/runs.csv" "$out/judged/log-diagnosis.csv" > "$out/table.md"

awk -F , '
  NR == 1 {
    for (i = 1; i <= NF; i++) at[$i] = i
    print "| criterion | meet it | do not | area | 95 % interval | pairs within a setting | area within |"
    print "| --- | --- | --- | --- | --- | --- | --- |"
    next
  }
  function number(cell) { return cell == "" ? "–" : sprintf("%.3f", cell) }
  {
    interval = $at["lower"] == "" ? "–" : number($at["lower"]) " to " number($at["upper"])
    print "| `" $at["criterion"] "` | " $at["met"] " | " $at["not_met"] " | " number($at["area"]) " | " interval " | " \
      $at["pairs_within_groups"] " | " number($at["area_within_groups"]) " |"
  }' "$out/judged/log-separation.csv" > "$out/separation.md"

cat "$out/table.md"
echo
cat "$out/separation.md"
