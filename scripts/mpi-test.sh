#!/bin/sh
# Real MPI jobs on this machine: the same bytes on any number of ranks, ranks that are killed or lack their data, jobs that are asked
# to stop. With each of Open MPI and MPICH that is there, by Debian's names; `make test-mpi` installs both. Writes into a
# temporary folder. Takes about ten minutes on two processors that do other work too. A command with `-weights` behind it is that one over ω.
# usage: [ZARTS=PROGRAM] [COMMANDS='landscape landscape-weights fidelity …'] scripts/mpi-test.sh
set -eu
[ $# -eq 0 ] || { echo "usage: [ZARTS=PROGRAM] [COMMANDS='landscape …'] scripts/mpi-test.sh" >&2; exit 64; }
case ${ZARTS:-} in '' | /*) ;; *) ZARTS=$PWD/$ZARTS ;; esac
cd "$(dirname "$0")/.."
[ -n "${ZARTS:-}" ] || ZARTS="$(swift build -c release --show-bin-path)/zarts"
export ZARTS
commands=${COMMANDS:-landscape landscape-weights fidelity estimators spectrum spectrum-weights search compare}
start=$(date +%s)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

part() { printf 'mpi-test: %4d s  %s\n' "$(($(date +%s) - start))" "$*"; }

fail() {
  printf 'mpi-test: %s\n' "$*" >&2
  if [ -s "$out/errors" ]; then sed 's/^/  /' "$out/errors" | tail -n 30 >&2; fi
  exit 1
}

[ -x "$ZARTS" ] || fail "$ZARTS is not built; run 'make build' first, or name a program by ZARTS"
unset ZARTS_MPI
families=
for family in openmpi mpich; do
  if command -v "mpirun.$family" > /dev/null; then families="$families $family"; fi
done
[ -n "$families" ] || fail "neither mpirun.openmpi nor mpirun.mpich is there; 'make test-mpi' installs both"

# A container's user is root; there are more ranks than processors.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none

# A rank leaves its process's number, and may begin in a folder of its own or lack the library.
cat > "$out/rank" << 'END'
#!/bin/sh
rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}
[ -z "${PIDS:-}" ] || echo $$ > "$PIDS/$rank"
[ "$rank" != "${AWAY:-none}" ] || cd /
[ "$rank" != "${LACKING:-none}" ] || export ZARTS_MPI=/nowhere/libmpi.so
exec "$@"
END
chmod +x "$out/rank"

# job FAMILY RANKS PROGRAM ARGUMENT…: its words go to $out/words and $out/errors. A job that hangs is ended, with status 124.
job() {
  family=$1
  ranks=$2
  shift 2
  timeout -k 10 120 "mpirun.$family" -n "$ranks" "$out/rank" "$@" > "$out/words" 2> "$out/errors" < /dev/null
}

# Columns of a table but those that hold times, and rows but those of a quantity that is one. A comma within quotes is none.
timeless() {
  awk '{ n = split($0, part, "\""); text = part[1]
      for (i = 2; i <= n; i++) { if (i % 2 == 0) gsub(",", ";", part[i]); text = text part[i] }
      count = split(text, cell, ",") }
    NR == 1 { for (i = 1; i <= count; i++) { keep[i] = cell[i] !~ /seconds/; if (cell[i] == "quantity") quantity = i } }
    quantity && cell[quantity] ~ /seconds/ { next }
    { line = ""; for (i = 1; i <= count; i++) if (!(i in keep) || keep[i]) line = line "," cell[i]; print line }' "$1"
}

# same NAME WANTED FOUND: whether two folders hold the same results, byte for byte.
same() {
  (cd "$2" && find . -name '*.csv' -o -name '*.npy' -o -name 'genotype*.txt' -o -name '*.safetensors') |
    LC_ALL=C sort > "$out/names"
  [ -s "$out/names" ] || fail "$1: there are no tables in $2"
  while read -r name; do
    [ -e "$3/$name" ] || fail "$1: $name is missing"
    case $name in
      *.csv)
        timeless "$2/$name" > "$out/wanted"
        timeless "$3/$name" > "$out/found"
        cmp -s "$out/wanted" "$out/found" || fail "$1: $name is another"
        ;;
      *) cmp -s "$2/$name" "$3/$name" || fail "$1: $name is another" ;;
    esac
  done < "$out/names"
}

# The flags of a command at a size of about a second, without --out.
size="--channels 4 --layers 3 --batch 8 --train-limit 64 --inner-steps 2"
subject="$out/subject"
flags() {
  case $1 in
    landscape) echo "--run $subject --epoch 2 --objectives first,second,true:2 --grid 5 --range 50 --validation-batches 1" ;;
    landscape-weights)
      echo "--run $subject --epoch 2 --over weights --objectives first,true:2 --grid 5 --range 0.5 --validation-batches 1"
      ;;
    fidelity)
      echo "--run $subject --epoch 2 --directions 3 --radii 1,2 --length unit --plane 3 --repeats 2 --replicates 50 \
        --objectives first,second,true:2 --validation-batches 1"
      ;;
    estimators)
      echo "--run $subject --epoch 2 --inner-steps 1,2 --candidates 2,4 --repeats 2 --replicates 50 --places 2 --sigmas 0.1 \
        --estimators darts1,rs,mgs,gld"
      ;;
    spectrum-weights)
      echo "--run $subject --epochs 1,2 --over weights --eigenvalues 1 --probes 2 --density-steps 6 --density-starts 2 --batches 1"
      ;;
    spectrum) echo "--run $subject --epochs all --eigenvalues 1 --probes 1 --batches 1" ;;
    search) echo "--method zarts-mgs --space s2 --dataset fashion-mnist $size --epochs 3 --warmup 1 --candidates 4 --seed 3" ;;
    compare)
      echo "--methods darts1,zarts-rs --spaces s2 --seeds 0-1 --dataset fashion-mnist $size --epochs 2 --warmup 1 --keep-last 1"
      ;;
  esac
}

has() { case " $commands " in *" $1 "*) true ;; *) false ;; esac }

tests="$(dirname "$ZARTS")/zartsPackageTests.xctest"
if [ -x "$tests" ]; then
  for family in $families; do
    for ranks in 2 3; do
      job "$family" $ranks "$tests" --testing-library swift-testing --filter MPITeamTests || {
        cat "$out/words" >&2
        fail "the laws of a team on $ranks ranks of $family: status $?"
      }
      [ "$(grep -c 'keeps the laws of teams.* passed' "$out/words" "$out/errors" | awk -F: '{ n += $2 } END { print n }')" -eq \
        $ranks ] || fail "the laws of a team on $ranks ranks of $family: not all ranks have run them"
    done
  done
  part "messages of a team"
fi

part "one process"
# shellcheck disable=SC2046 # the flags are words
"$ZARTS" search $(flags search) --threads 1 --out "$subject" > /dev/null 2> "$out/errors" || fail "the search failed"
for command in $commands; do
  # shellcheck disable=SC2046 # the flags are words
  "$ZARTS" "${command%%-*}" $(flags "$command") --threads 1 --out "$out/one/$command" > "$out/words" 2> "$out/errors" ||
    fail "$command failed"
done

# equal FAMILY RANKS COMMAND
equal() {
  to="$out/$1-$2/$3"
  # shellcheck disable=SC2046 # the flags are words
  job "$1" "$2" "$ZARTS" "${3%%-*}" $(flags "$3") --threads 1 --out "$to" || fail "$3 on $2 ranks of $1 ends with status $?"
  same "$3 on $2 ranks of $1" "$out/one/$3" "$to"
  part "$3 on $2 ranks of $1: the same"
}

for family in $families; do
  for ranks in 1 2 3; do
    for command in $commands; do
      # The studies take the same way through MPI, and time.
      case $family-$ranks-$command in
        mpich-[13]-[!l]* | openmpi-1-[!l]* | openmpi-2-[efs][!e]*) continue ;;
      esac
      equal "$family" "$ranks" "$command"
    done
  done
done

# The flags of a command at a size of some seconds, without --out.
long() {
  case $1 in
    landscape)
      echo "--run $subject --epoch 2 --objectives first,true:10 --grid 11 --range 50 --validation-batches 2 --threads 1"
      ;;
    landscape-weights)
      echo "--run $subject --epoch 2 --over weights --objectives first,true:10 --grid 11 --range 0.5 --validation-batches 2 \
        --threads 1"
      ;;
    spectrum-weights)
      echo "--run $subject --epochs 1,2 --over weights --eigenvalues 2 --probes 40 --density-steps 12 --density-starts 4 \
        --batches 1 --threads 1"
      ;;
  esac
}

# The command that is interrupted.
task=landscape

# begin FAMILY RANKS FOLDER: the task, its job in the background; waits until its journal has rows. Sets $mpirun.
begin() {
  to=$3
  mkdir -p "$out/pids"
  rm -f "$out/pids"/*
  # shellcheck disable=SC2046 # the flags are words
  PIDS="$out/pids" timeout -k 10 120 "mpirun.$1" -n "$2" "$out/rank" "$ZARTS" "${task%%-*}" $(long "$task") --out "$to" \
    > "$out/words" 2> "$out/errors" < /dev/null &
  mpirun=$!
  for _ in $(seq 600); do
    if [ -e "$to/journal.csv" ] && [ "$(wc -l < "$to/journal.csv")" -gt 20 ]; then return; fi
    kill -0 $mpirun 2> /dev/null || break
    sleep 0.1
  done
  fail "the $task to be interrupted on $2 ranks of $1 has no rows, or is over"
}

# finish NAME FAMILY STATUS…: the job must end by itself, with one of the statuses or, where none is given, with any but 0. `any` takes
# 0 too: what a launcher that was itself asked to end says is its own affair, and that of MPICH is not always the same.
finish() {
  event=$1
  family=$2
  shift 2
  before=$(date +%s)
  status=0
  wait $mpirun || status=$?
  took=$(($(date +%s) - before))
  [ $status -ne 124 ] && [ $took -lt 60 ] || fail "$event: the job goes on for $took s"
  if [ "$*" = any ]; then
    set -- $status
  elif [ $status -eq 0 ]; then
    fail "$event: the job ends as if nothing had happened"
  fi
  case " ${*:-$status} " in *" $status "*) ;; *) fail "$event: status $status, not one of $*" ;; esac
  # The launcher may be gone a moment before the last that it has killed.
  for file in "$out/pids"/*; do
    for _ in $(seq 100); do
      kill -0 "$(cat "$file")" 2> /dev/null || continue 2
      sleep 0.1
    done
    fail "$event: rank $(basename "$file") is left behind"
  done
  [ -e "$to/journal.csv" ] || fail "$event: the journal is gone"
  # shellcheck disable=SC2046 # the flags are words
  job "$family" 2 "$ZARTS" "${task%%-*}" $(long "$task") --resume --out "$to" ||
    fail "$event: the same command ends with status $?"
  same "$event" "$out/long/$task" "$to"
  part "$event: status $status after $took s, continued to the same"
}

for task in landscape landscape-weights spectrum-weights; do
  has $task || continue
  # shellcheck disable=SC2046 # the flags are words
  "$ZARTS" "${task%%-*}" $(long "$task") --out "$out/long/$task" > /dev/null 2> "$out/errors" ||
    fail "the longer $task failed"
done
for task in landscape-weights spectrum-weights; do
  has $task || continue
  for family in $families; do
    begin "$family" 3 "$out/$family-killed-$task"
    kill -KILL "$(cat "$out/pids/1")"
    finish "rank 1 of $family killed in $task" "$family"
  done
done

task=landscape
if has landscape; then
  for family in $families; do
    for rank in 0 2; do
      begin "$family" 3 "$out/$family-killed-$rank"
      kill -KILL "$(cat "$out/pids/$rank")"
      finish "rank $rank of $family killed" "$family"
    done
    begin "$family" 3 "$out/$family-stopped"
    kill -TERM $(cat "$out/pids"/*)
    finish "all ranks of $family asked to stop" "$family" 143
    begin "$family" 2 "$out/$family-stopped-1"
    kill -TERM "$(cat "$out/pids/1")"
    finish "rank 1 of $family asked to stop" "$family" 143
    begin "$family" 2 "$out/$family-ended"
    # The child of `timeout`.
    kill -TERM "$(pgrep -P $mpirun | head -n 1)"
    finish "$family's mpirun asked to end" "$family" any
    begin "$family" 2 "$out/$family-warned"
    kill -USR1 "$(pgrep -P $mpirun | head -n 1)"
    [ "$family" = mpich ] && status=any || status=138
    finish "$family's mpirun sent SIGUSR1" "$family" $status
  done

  # Data by a path that one rank hasn't got.
  ln -s /usr/share/datasets/fashion-mnist "$out/data"
  for family in $families; do
    status=0
    # shellcheck disable=SC2046 # the flags are words
    (cd "$out" && AWAY=1 job "$family" 2 "$ZARTS" landscape $(flags landscape) --dataset fashion-mnist:data --threads 1 \
      --out "$out/$family-away") || status=$?
    [ $status -eq 1 ] || fail "a rank without data: status $status of $family, not 1"
    grep -q "^rank 1 on $(hostname): .*data" "$out/errors" || fail "a rank without data: $family's job does not say which, and why"
    part "a rank of $family without data: says so and ends the job"
    status=0
    # shellcheck disable=SC2046 # the flags are words
    job "$family" 3 "$ZARTS" landscape $(flags landscape) --dataset fashion-mnist:/nowhere --threads 1 \
      --out "$out/$family-nowhere" || status=$?
    [ $status -eq 1 ] || fail "no rank has data: status $status of $family, not 1"
    [ "$(grep -c /nowhere "$out/errors")" -eq 1 ] || fail "no rank has data: not told once"
    part "no rank of $family with data: told once"
  done
fi

# Words that are wrong for all are told once; what needs no team is done once.
for family in $families; do
  status=0
  job "$family" 3 "$ZARTS" search --method nothing --out "$out/never" || status=$?
  [ $status -eq 64 ] || fail "a wrong command line: status $status of $family, not 64"
  [ "$(grep -c nothing "$out/errors")" -eq 1 ] || fail "a wrong command line: not told once by $family"
  status=0
  job "$family" 3 "$ZARTS" search --method zarts-mgs --dataset nothing --out "$out/never" || status=$?
  [ $status -eq 64 ] || fail "a search of no data: status $status of $family, not 64"
  [ "$(grep -c 'nothing' "$out/errors")" -eq 1 ] || fail "a search of no data: not told once by $family"
  job "$family" 3 "$ZARTS" summary "$subject" || fail "summary on 3 ranks of $family ends with status $?"
  [ "$("$ZARTS" summary "$subject")" = "$(cat "$out/words")" ] || fail "summary on 3 ranks of $family prints something else"
  status=0
  (export ZARTS_MPI=/nowhere/libmpi.so && job "$family" 2 "$ZARTS" spectrum --run "$subject" --out "$out/never") || status=$?
  [ $status -eq 1 ] || fail "no library: status $status of $family, not 1"
  grep -q /nowhere/libmpi.so "$out/errors" || fail "no library: $family's job does not say which"
  [ ! -e "$out/never" ] || fail "a refused command has written something"
  for rank in 0 1; do
    status=0
    # shellcheck disable=SC2046 # the flags are words
    (export LACKING=$rank && job "$family" 2 "$ZARTS" landscape $(flags landscape) --threads 1 --out "$out/never") || status=$?
    [ $status -eq 1 ] || fail "no library at rank $rank: status $status of $family, not 1"
    grep -q /nowhere/libmpi.so "$out/errors" || fail "no library at rank $rank: $family's job does not say which"
  done
  part "errors of all ranks of $family are told once"
done
part "all as it should be"
