#!/bin/sh
# Packs dist/zarts-VERSION-linux-MACHINE.tar.gz: the program with all that it needs but glibc, to be unpacked anywhere by anyone.
#   scripts/dist.sh [BINARY]      default: built here, with the Swift runtime linked in
# C libraries lie beside the program and are found by a relative run path, which also wins over LD_LIBRARY_PATH: modules of a
# cluster don't get in between. The archive asks for the glibc of the system that it is packed on, or a newer one.
set -eu
cd "$(dirname "$0")/.."

fail() {
  printf 'dist: %s\n' "$*" >&2
  exit 1
}
for tool in patchelf objdump dpkg-query git gzip; do
  command -v $tool >/dev/null 2>&1 || fail "$tool is missing; 'make dist' installs it"
done

if [ $# -gt 0 ]; then
  binary=$1
else
  # A folder of its own: the other builds link the runtime dynamically.
  scratch=.build/dist
  "${SWIFT:-swift}" build -c release --product zarts --static-swift-stdlib --scratch-path "$scratch"
  binary=$("${SWIFT:-swift}" build -c release --static-swift-stdlib --scratch-path "$scratch" --show-bin-path)/zarts
fi
[ -x "$binary" ] || fail "$binary is no program"

version=$(git describe --tags --dirty 2>/dev/null | sed 's/^v//')
[ -n "$version" ] || version=$("$binary" --version | awk '{ print $NF }')-g$(git describe --always --dirty)
name=zarts-$version-linux-$(uname -m)
root=dist/$name
rm -rf "$root" "$root.tar.gz"
mkdir -p "$root/bin" "$root/lib" "$root/libexec" "$root/share/fonts" "$root/licences"

# The program, behind a script that says where the fonts are.
cp "$binary" "$root/libexec/zarts"
patchelf --force-rpath --set-rpath '$ORIGIN/../lib' "$root/libexec/zarts"
cat >"$root/bin/zarts" <<'START'
#!/bin/sh
# Starts zarts with the fonts of this folder, unless FONTCONFIG_FILE names others.
program=$0
while [ -L "$program" ]; do
  target=$(readlink "$program")
  case $target in /*) program=$target ;; *) program=$(dirname "$program")/$target ;; esac
done
home=$(cd "$(dirname "$program")/.." && pwd -P) || exit 1
: "${FONTCONFIG_FILE:=$home/share/fonts/fonts.conf}"
export FONTCONFIG_FILE
exec "$home/libexec/zarts" "$@"
START
chmod 755 "$root/bin/zarts"

# Every library that it loads, and that those load, but for glibc's own.
ldd "$binary" | awk '/not found/ { print "dist: " $1 " is not found" > "/dev/stderr"; exit 1 } $2 == "=>" { print $3 }' >"$root.libraries"
packages=""
while read -r library; do
  case $(basename "$library") in
    libc.so.* | libm.so.* | libpthread.so.* | libdl.so.* | librt.so.* | libresolv.so.* | libutil.so.* | libanl.so.* | ld-linux*) continue ;;
  esac
  cp -L "$library" "$root/lib/"
  copy=$root/lib/$(basename "$library")
  chmod 644 "$copy"
  # A run path of its own would hide the program's from what it loads.
  if objdump -p "$copy" | grep -Eq '^ *(RUNPATH|RPATH) '; then patchelf --remove-rpath "$copy"; fi
  # dpkg knows the place before or after /lib became a link to /usr/lib.
  real=$(readlink -f "$library")
  package=$(dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}" 2>/dev/null || true)
  package=$(printf '%s\n' "$package" | head -n 1 | sed 's/: .*//')
  if [ -n "$package" ]; then packages="$packages $package"; else
    case $real in
      */swift/linux/*) ;;
      *) fail "$library is of no Debian package, so its licence is not known" ;;
    esac
  fi
done <"$root.libraries"
rm "$root.libraries"

# Fonts of the figures, found from the place of their configuration.
for font in DejaVuSans.ttf DejaVuSans-Bold.ttf DejaVuSans-Oblique.ttf DejaVuSans-BoldOblique.ttf; do
  file=/usr/share/fonts/truetype/dejavu/$font
  [ ! -f "$file" ] || cp "$file" "$root/share/fonts/"
done
[ -f "$root/share/fonts/DejaVuSans.ttf" ] || fail "DejaVu Sans is missing; 'make dist' installs it"
packages="$packages fonts-dejavu-core"
cat >"$root/share/fonts/fonts.conf" <<'FONTS'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">.</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
FONTS

# Licences: of this program, of Swift and its packages, of each Debian package that a file is from, with the version whose
# source package is the source of the copy.
cp LICENSE "$root/licences/zarts"
swift_home=$(dirname "$(dirname "$(readlink -f "$(command -v "${SWIFT:-swift}")")")")
cp "$swift_home/share/swift/LICENSE.txt" "$root/licences/swift"
for folder in "$(dirname "$binary")"/../../checkouts/*; do
  for file in LICENSE LICENSE.txt LICENSE.md NOTICE NOTICE.txt; do
    [ ! -f "$folder/$file" ] || cp "$folder/$file" "$root/licences/swift-package-$(basename "$folder")-${file%.*}"
  done
  ls "$root/licences/swift-package-$(basename "$folder")"-* >/dev/null 2>&1 || fail "no licence found in $folder"
done
for package in $(printf '%s\n' $packages | sort -u); do
  plain=${package%%:*}
  cp -L "/usr/share/doc/$plain/copyright" "$root/licences/debian-$plain"
  dpkg-query -W -f='${Package} ${Version} of source ${source:Package} ${source:Version}\n' "$package"
done >"$root/licences/debian-packages"
# The texts that those refer to.
mkdir "$root/licences/common-licenses"
grep -oh '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$root"/licences/debian-* | sort -u | while read -r text; do
  [ ! -f "$text" ] || cp -L "$text" "$root/licences/common-licenses/$(basename "$text")"
done

# The newest glibc that anything here asks for.
glibc=$(objdump -T "$root/libexec/zarts" "$root"/lib/* | grep -o 'GLIBC_2\.[0-9.]*' | sort -Vu | tail -n 1 | sed 's/GLIBC_//')
cat >"$root/README" <<README
zarts $version for Linux on $(uname -m) with glibc $glibc or newer; nothing else has to be installed, and nobody has to be root.
Unpack it anywhere: tar xf $name.tar.gz
Run it: $name/bin/zarts --help (or link to that file from a folder on PATH; the folder may be moved as a whole)
lib/ holds C libraries as Debian ships them, share/fonts/ the fonts of the figures; ldd libexec/zarts shows what is loaded.
licences/ has the terms of all parts; the sources of the libraries are the Debian source packages in licences/debian-packages.
README

# Whatever is loaded is in the archive, or glibc's.
strays=$(env -i PATH=/usr/bin:/bin ldd "$root/libexec/zarts" |
  grep -v -e linux-vdso -e ld-linux -e "$root/libexec/../lib/" -e 'lib\(c\|m\|resolv\|pthread\|dl\|rt\|util\|anl\)\.so' || true)
[ -z "$strays" ] || fail "loaded from outside the archive:
$strays"

tar -C dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -cf - "$name" |
  gzip -n9 >"$root.tar.gz"
rm -rf "$root"
printf '%s, %s, glibc %s or newer\n' "$root.tar.gz" "$(du -h "$root.tar.gz" | cut -f1)" "$glibc"
