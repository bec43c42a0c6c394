#!/bin/sh
# Times training steps of the DARTS search network. Arguments are passed on to `zarts bench`.
set -eu
cd "$(dirname "$0")/.."
exec "$(swift build -c release --show-bin-path)/zarts" bench "$@"
