#!/bin/sh
# Installs what the build needs and is not there yet, and packages that are named. Does nothing when all is there.
set -eu

wanted_swift=6.2
packages="libgsl-dev libpng-dev libcairo2-dev zlib1g-dev libarchive-dev libjpeg-dev libmatio-dev libhdf5-dev libssl-dev pkg-config fonts-dejavu-core dataset-fashion-mnist"

packages="$packages $*"

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

check_swift() {
  command -v swift >/dev/null 2>&1 ||
    fail "no Swift toolchain found on PATH; Swift $wanted_swift or newer is wanted (https://www.swift.org/install/linux)"
  report=$(swift --version 2>/dev/null) || fail "'swift --version' failed; Swift $wanted_swift or newer is wanted"
  found=$(printf '%s\n' "$report" | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)
  [ -n "$found" ] ||
    fail "cannot read the version of Swift from '$report'; Swift $wanted_swift or newer is wanted"
  lowest=$(printf '%s\n%s\n' "$wanted_swift" "$found" | sort -V | head -n 1)
  [ "$lowest" = "$wanted_swift" ] ||
    fail "Swift $found is too old; Swift $wanted_swift or newer is wanted (https://www.swift.org/install/linux)"
}

# Prints the packages that are not installed.
missing_packages() {
  for package in $packages; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || printf '%s ' "$package"
  done
}

install_packages() {
  if [ "$(id -u)" -eq 0 ]; then
    as_root=""
  elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root="sudo"
  else
    fail "these packages are missing and neither root nor sudo is at hand: $missing
setup: ask an administrator to run: apt-get install $missing"
  fi
  printf 'setup: installing %s\n' "$missing"
  $as_root apt-get update -q || printf 'setup: apt-get update failed; trying with the lists at hand\n' >&2
  # shellcheck disable=SC2086 # one word a package
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing ||
    fail "apt-get could not install: $missing"
  left=$(missing_packages)
  [ -z "$left" ] || fail "still missing after the installation: $left"
}

check_swift
command -v dpkg-query >/dev/null 2>&1 ||
  fail "this is not a Debian-like system; install by hand what these packages hold: $packages"
missing=$(missing_packages)
[ -z "$missing" ] || install_packages
