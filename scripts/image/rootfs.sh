#!/bin/sh
# Copies files of this Debian into a root file system of their own, each with what it needs to run: the target of its links, the
# libraries it is linked with, and the copyright of the package it is from.
# Usage: rootfs.sh DEST FILE...
set -eu
dest=$1
shift
mkdir -p "$dest/usr/bin" "$dest/usr/sbin" "$dest/usr/lib" "$dest/usr/lib64" "$dest/etc" "$dest/run" "$dest/tmp" "$dest/var"
for name in bin sbin lib lib64; do [ -e "$dest/$name" ] || ln -s "usr/$name" "$dest/$name"; done
[ -e "$dest/var/run" ] || ln -s ../run "$dest/var/run"
chmod 1777 "$dest/tmp"

copy() { # copy FILE: at its path, links as links
  file=$1
  [ -e "$dest$file" ] || [ -L "$dest$file" ] && return 0
  mkdir -p "$dest$(dirname "$file")"
  if [ -L "$file" ]; then
    cp -P "$file" "$dest$file"
    target=$(readlink "$file")
    case $target in /*) ;; *) target=$(dirname "$file")/$target ;; esac
    copy "$(realpath -s "$target")"
    return 0
  fi
  cp -p "$file" "$dest$file"
  copyright "$file"
  for library in $(ldd "$file" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'); do
    copy "$library"
  done
}

copyright() { # dpkg knows files by the path they were installed at, with or without /usr
  package=$(dpkg -S "$1" 2>/dev/null || dpkg -S "${1#/usr}" 2>/dev/null || dpkg -S "/usr$1" 2>/dev/null || true)
  package=${package%%:*}
  [ -n "$package" ] && [ -e "/usr/share/doc/$package/copyright" ] || return 0
  mkdir -p "$dest/usr/share/doc/$package"
  cp -L "/usr/share/doc/$package/copyright" "$dest/usr/share/doc/$package/copyright"
}

for file in "$@"; do copy "$file"; done
