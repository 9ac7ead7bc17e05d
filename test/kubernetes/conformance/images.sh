#!/usr/bin/env bash
# Builds the images of the suite's backends with buildah, without a registry, and prints their names: CONFORMANCE_IMAGES of run.sh is
# what they begin with.
set -euo pipefail
cd "$(dirname "$0")"
prefix=${CONFORMANCE_IMAGES:-docker.io/library/gateway-api-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CGO_ENABLED=0
go build -trimpath -ldflags '-s -w' -o "$work/echo-basic" sigs.k8s.io/gateway-api/conformance/echo-basic
go build -trimpath -ldflags '-s -w' -o "$work/echo" ./echo
go build -trimpath -ldflags '-s -w' -o "$work/dns" ./dns
for image in echo-basic echo-advanced coredns; do
  buildah build --isolation=chroot --quiet --file Dockerfile --target "$image" --tag "$prefix$image:conformance" "$work" >/dev/null
  echo "$prefix$image:conformance"
done
