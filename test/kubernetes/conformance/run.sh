#!/usr/bin/env bash
# Gateway API's suite of conformance against the cluster of KUBECONFIG, where Weft is installed with --deploy-gateways all. Usage:
#   run.sh gateways|mesh|all [FLAG-OF-THE-SUITE...]
# CONFORMANCE_IMAGES     what the names of images.sh's images begin with; without it the nodes pull the suite's own
# CONFORMANCE_ADDRESSES  a range of addresses that is routed to the node, for clusters without a load balancer: 10.250.1.0/24
# CONFORMANCE_REPORTS    a folder for the reports, gateways.yaml and mesh.yaml
# CONFORMANCE_PROFILES   of gateways, comma-separated; all five unless told
# CONFORMANCE_CHANNEL    of the definitions: experimental (default) or standard; none where they are there
set -euo pipefail
cd "$(dirname "$0")"
part=${1:-all}
shift || true
channel=${CONFORMANCE_CHANNEL:-experimental}
reports=${CONFORMANCE_REPORTS:-}
kubectl=${KUBECTL:-kubectl}
module=$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [[ $channel != none ]]; then
  "$kubectl" apply --server-side --force-conflicts -k "$module/config/crd/$channel" >/dev/null
  "$kubectl" wait --for=condition=Established --timeout=60s crd -l '!none' >/dev/null
fi
# One small proxy for each of the suite's many Gateways.
"$kubectl" apply -f - >/dev/null <<Y
apiVersion: v1
kind: ConfigMap
metadata: { name: conformance, namespace: ${WEFT_NAMESPACE:-weft-system} }
data:
  gateway.yaml: |
    replicas: 1
    resources: { cpuRequest: 10m, memoryRequest: 64Mi }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weft }
spec:
  controllerName: weft.dev/gateway-controller
  parametersRef: { group: "", kind: ConfigMap, name: conformance, namespace: ${WEFT_NAMESPACE:-weft-system} }
Y
"$kubectl" wait --for=condition=Accepted --timeout=120s gatewayclass/weft >/dev/null
go test -c -o "$work/suite" .

suite() { # suite NAME FLAG...
  local name=$1
  shift
  "$work/suite" -test.timeout 60m -test.v -gateway-class weft -organization weft -project weft -url https://weft.dev \
    -version "${WEFT_VERSION:-development}" -contact '@weft' ${reports:+-report-output "$reports/$name.yaml"} "$@"
}
code=0
if [[ $part != mesh ]]; then
  pool=${CONFORMANCE_ADDRESSES:-}
  suite gateways -conformance-profiles "${CONFORMANCE_PROFILES:-GATEWAY-HTTP,GATEWAY-GRPC,GATEWAY-TLS,GATEWAY-TCP,GATEWAY-UDP}" \
    ${pool:+-usable-address "${pool%.*}.5" -unusable-address 192.0.2.1} "$@" || code=1
fi
if [[ $part != gateways ]]; then
  # All of the mesh's features, and those of routes without which the suite counts some of its mesh tests for nobody.
  suite mesh -conformance-profiles MESH-HTTP,MESH-GRPC -namespace-labels weft.dev/inject=enabled \
    -supported-features Mesh,HTTPRoute,GRPCRoute,MeshClusterIPMatching,MeshConsumerRoute,MeshHTTPRouteBackendRequestHeaderModification,MeshHTTPRouteNamedRouteRule,MeshHTTPRouteQueryParamMatching,MeshHTTPRouteRedirectPath,MeshHTTPRouteRedirectPort,MeshHTTPRouteRewritePath,MeshHTTPRouteSchemeRedirect,HTTPRouteParentRefPort,HTTPRouteResponseHeaderModification,HTTPRoute303RedirectStatusCode,HTTPRoute307RedirectStatusCode,HTTPRoute308RedirectStatusCode \
    "$@" || code=1
fi
exit $code
