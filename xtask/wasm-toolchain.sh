#!/bin/bash
# usage: wasm-toolchain.sh FOLDER
#
# Puts the pinned compiler of the example actors under FOLDER: Debian 13's rustc 1.85 with its prebuilt
# wasm32-unknown-unknown standard library. Nothing is installed: FOLDER/bin/rustc runs with its own C library, out of
# FOLDER. cargo, rust-lld and wasm-component-ld are those of the installed toolchain.
#
# Exit status: 0 ready, 3 the packages cannot be had on this machine, anything else a failure.
set -euo pipefail

UNAVAILABLE=3
CRATES="rustc libstd-rust-1.85 libstd-rust-dev libstd-rust-dev-wasm32"
LIBRARIES="libllvm19 libz3-4 libedit2 libffi8 libxml2 libtinfo6 libbsd0 libmd0 zlib1g libzstd1 liblzma5 libstdc++6
  libgcc-s1 libc6"
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

unavailable() {
  echo "wasm-toolchain: $*" >&2
  exit "$UNAVAILABLE"
}

# The machine's own mirror, from either format of apt's sources.
mirror() {
  local source='s/^(URIs: |deb (\[[^]]*\] )?)(http[^ ]*\/debian)\/?( .*)?$/\3/p'
  sed -nE "$source" /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true
}

# Downloads the packages of Debian 13 into FOLDER/apt/debs.
download() {
  local url
  url=$(mirror)
  [ -n "$url" ] || unavailable "no Debian mirror in this machine's apt sources"
  [ -r "$KEYRING" ] || unavailable "Debian's archive keys are not at $KEYRING"
  mkdir -p "$folder"/apt/{lists/partial,cache/archives/partial,debs}
  echo "deb [signed-by=$KEYRING] $url trixie main" >"$folder/apt/sources.list"
  local options=(
    -qq
    -o "Dir::Etc::SourceList=$folder/apt/sources.list"
    -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$folder/apt/lists"
    -o "Dir::Cache=$folder/apt/cache"
    -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
    -o APT::Update::Error-Mode=any
  )
  # Only root has another user to download as.
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update || unavailable "apt-get cannot read the index of Debian 13"
  # Word splitting is meant: the lists hold package names.
  # shellcheck disable=SC2086
  (cd "$folder/apt/debs" && apt-get "${options[@]}" download $CRATES $LIBRARIES) ||
    unavailable "apt-get cannot download the packages of Debian 13"
}

unpack() {
  local package
  for package in "$folder"/apt/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -x -C "$folder" --exclude='./usr/share' --exclude='*/gconv' ./usr
  done
  rm -rf "$folder/apt"
}

# Lends the installed linkers to the private compiler and writes the command that starts it.
link() {
  local target=x86_64-unknown-linux-gnu
  local installed
  installed=$(rustc --print sysroot)/lib/rustlib/$target/bin
  [ -x "$installed/wasm-component-ld" ] || unavailable "the installed Rust toolchain has no wasm-component-ld"
  mkdir -p "$folder/bin" "$folder/usr/lib/rustlib/$target/bin"
  ln -sf "$installed/rust-lld" "$installed/wasm-component-ld" "$folder/usr/lib/rustlib/$target/bin/"
  cat >"$folder/bin/rustc" <<'RUSTC'
#!/bin/sh
# Debian 13's rustc with Debian 13's own C library, both private to this folder.
P=$(dirname "$(dirname "$(readlink -f "$0")")")
L=$P/usr/lib/x86_64-linux-gnu
exec "$L/ld-linux-x86-64.so.2" --library-path "$L" --argv0 rustc "$P/usr/bin/rustc" --sysroot "$P/usr" "$@"
RUSTC
  chmod +x "$folder/bin/rustc"
}

[ $# = 1 ] || { echo "usage: wasm-toolchain.sh FOLDER" >&2; exit 2; }
[ "$(uname -sm)" = "Linux x86_64" ] || unavailable "the packages are for Linux on x86-64 only"
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || unavailable "there is no $tool on this machine"
done
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if [ ! -e "$folder/ready" ]; then
  download
  unpack
  touch "$folder/ready"
fi
# Each time, since the installed toolchain may have become another.
link
"$folder/bin/rustc" --version
