# Sourced by the studies, whose `usage` it calls: takes -j JOBS off the arguments and finds the program, or $ZARTS.
jobs=2
while getopts j: option; do
  case $option in
    j) jobs=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
case $jobs in '' | *[!0-9]* | 0) usage ;; esac
zarts=${ZARTS:-$(swift build -c release --show-bin-path)/zarts}
[ -x "$zarts" ] || { echo "study: $zarts is not built; run 'make build' first" >&2; exit 1; }
