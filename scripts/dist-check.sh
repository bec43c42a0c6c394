#!/bin/bash
# Runs an archive of `make dist` in a minimal Debian that has nothing installed: a search, a resume, a landscape, figures with text.
#   scripts/dist-check.sh ARCHIVE [SUITE]    suite: bookworm (default), trixie, …; needs root, debootstrap and Fashion-MNIST
set -euo pipefail
archive=$(readlink -f "${1:?an archive of make dist}")
suite=${2:-bookworm}
mirror=${MIRROR:-http://deb.debian.org/debian}
data=/usr/share/datasets/fashion-mnist
cache=${BASE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zarts-dist-check}
root=$cache/run.$$
trap 'umount -l "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT

if [ ! -f "$cache/$suite.tar" ]; then
  mkdir -p "$cache"
  debootstrap --variant=minbase "$suite" "$cache/base.$$" "$mirror" >"$cache/debootstrap.log" 2>&1 ||
    { tail -n 3 "$cache/debootstrap.log" >&2; exit 1; }
  tar -C "$cache/base.$$" -cf "$cache/$suite.tar" .
  rm -rf "$cache/base.$$"
fi
mkdir -p "$root"
tar -C "$root" -xf "$cache/$suite.tar"
mount -t proc proc "$root/proc"
# Only the device files that every system has.
for device in null zero urandom; do [ -e "$root/dev/$device" ] || cp -a "/dev/$device" "$root/dev/"; done
mkdir -p "$root/home/user/a folder" "$root/data"
cp -rL "$data/." "$root/data/"
tar -C "$root/home/user/a folder" -xf "$archive"
chown -R 1000:1000 "$root/home/user"

cat >"$root/home/user/check.sh" <<'CHECK'
set -eu
cd ~
# By a link, from a folder with a blank in its name, as no user of the system that it was built on.
mkdir -p bin
ln -s "$(echo "$PWD"/a\ folder/zarts-*/bin/zarts)" bin/zarts
PATH=$HOME/bin:$PATH
zarts --version
small="--space s2 --dataset fashion-mnist:/data --epochs 2 --warmup 1 --channels 4 --layers 3 --batch 8 --train-limit 64"
zarts search --method zarts-mgs --candidates 2 --inner-steps 2 --seed 1 $small --out run
zarts landscape --run run --objectives first,second,true:2 --grid 3 --validation-batches 1 --pdf --svg --out landscape
zarts draw run --no-metadata --out cells.png --out cells.pdf
zarts report run --landscape landscape --out report.html
for file in landscape/landscape.png landscape/landscape.pdf landscape/landscape.svg cells.png cells.pdf report.html; do
  [ -s $file ] || { echo "$file is missing or empty"; exit 1; }
done
# The text of figures is in the fonts of the archive: there are no others.
grep -aq 'DejaVuSans' landscape/landscape.pdf || { echo "no DejaVu Sans in landscape.pdf"; exit 1; }
# Without a folder to keep anything of the fonts, and with libraries of others in the way.
HOME=/nowhere LD_LIBRARY_PATH=/lib/x86_64-linux-gnu zarts draw run --no-metadata --out again.png
cmp cells.png again.png
CHECK
chroot --userspec=1000:1000 "$root" env -i HOME=/home/user LANG=C.UTF-8 PATH=/usr/bin:/bin sh /home/user/check.sh
if [ -n "${KEEP_IN:-}" ]; then
  mkdir -p "$KEEP_IN"
  cp -r "$root/home/user/landscape" "$root/home/user/cells.png" "$root/home/user/cells.pdf" "$KEEP_IN/"
fi
echo "$(basename "$archive") runs on a bare $suite ($(chroot "$root" ldd --version | head -n 1))"
