import type { FindingSeverity } from './finding.ts';

/** What all findings of one code have in common. */
export interface CodeInfo {
  /** Of most of its findings. */
  readonly severity: FindingSeverity;
  /** What it means, for tables and for tools that show rules. */
  readonly title: string;
  /** What usually mends it. */
  readonly remedy: string;
}

const all = {
  'pod-not-injected': {
    severity: 'error',
    title: 'a running pod has no proxy although its namespace or its own labels ask for one',
    remedy: 'restart its workload: kubectl rollout restart deployment/NAME',
  },
  'injection-refused': {
    severity: 'error',
    title: 'injection would refuse a pod template: analysis asks injection itself',
    remedy: 'mend what is named; weft inject -f FILE shows whether it is well',
  },
  'revision-unknown': {
    severity: 'error',
    title: 'a label names a revision of the control plane, or a tag, that does not exist',
    remedy:
      'correct the label weft.dev/rev, or install that revision: weft install --revision NAME; weft revision list shows which there are',
  },
  'revision-claimed-twice': {
    severity: 'error',
    title: 'two control planes inject for one name',
    remedy:
      'say who does: weft revision tag set NAME --revision REVISION --overwrite, and delete what is left over',
  },
  'revision-contradiction': {
    severity: 'warning',
    title: 'labels of a namespace name two revisions, of which one is not heard',
    remedy: 'keep the label that is meant, and take the other one away',
  },
  'pod-field-unknown': {
    severity: 'warning',
    title: 'a pod template has a field that Kubernetes has not',
    remedy: 'correct its name, or take it out',
  },
  'field-unknown': {
    severity: 'warning',
    title:
      "an object of Kubernetes' own kinds has a field, outside of its pod template, that Kubernetes has not",
    remedy: 'correct its name, or take it out',
  },
  'foreign-annotation': {
    severity: 'info',
    title: "labels or annotations of another mesh, which Weft obeys only where that mesh's are accepted",
    remedy: "say it in Weft's words (docs/pod-annotations.md), or install Weft with --accept-labels",
  },
  'workload-outside-mesh': {
    severity: 'info',
    title: 'a workload has no proxy while others of its namespace have',
    remedy: 'label its pods weft.dev/inject=enabled, unless it is left out on purpose',
  },
  'service-partly-meshed': {
    severity: 'warning',
    title: 'some of the pods behind a Service have a proxy and some have not',
    remedy: 'restart the workloads whose pods have none, or label them for injection',
  },
  'strict-refuses-caller': {
    severity: 'error',
    title: 'a workload without a proxy calls a Service that takes mutual TLS only',
    remedy: 'inject the caller, or set PERMISSIVE for that Service alone with a selector',
  },
  'strict-excludes-workload': {
    severity: 'warning',
    title: 'a workload without a proxy lives where mutual TLS is required',
    remedy:
      'inject it, or set PERMISSIVE for the Services that it calls with a selector; leave the namespace STRICT',
  },
  'strict-without-proxy': {
    severity: 'warning',
    title: 'a STRICT policy selects only pods without a proxy, so that nobody enforces it',
    remedy: 'inject the workloads that it selects',
  },
  'mtls-disabled-towards-strict': {
    severity: 'error',
    title: 'a policy of callers switches mutual TLS off towards a Service that takes nothing else',
    remedy: 'take the tls setting out (mutual TLS is used by itself), or write ISTIO_MUTUAL',
  },
  'canary-bypassed-by-caller': {
    severity: 'warning',
    title:
      'a workload without a proxy calls a Service whose traffic is split, and is not subject to the weights',
    remedy: 'inject the caller: weights are applied on its side',
  },
  'canary-bypassed-by-service': {
    severity: 'warning',
    title: 'another Service leads to the same pods as a split one, around its weights',
    remedy: 'call the Service that is split, or give the other one a narrower selector or the same rules',
  },
  'canary-bypassed-from-outside': {
    severity: 'warning',
    title: 'a Service whose traffic is split is reachable from outside, where no weights are applied',
    remedy:
      'send what comes from outside through a meshed pod (an ingress with a proxy) that calls this Service',
  },
  'outlier-too-sensitive': {
    severity: 'warning',
    title: 'one or two errors in a row take a pod out of rotation',
    remedy: 'raise the number of consecutive errors to 5 or more',
  },
  'outlier-ejects-all': {
    severity: 'warning',
    title: 'outlier detection may take every pod out but the last',
    remedy: 'set maxEjectionPercent to 50 or less, so that half of the capacity stays',
  },
  'outlier-no-minimum': {
    severity: 'warning',
    title: 'ejections go on however few healthy pods are left',
    remedy: 'set minHealthPercent, for example to 50: below it, ejections are ignored',
  },
  'outlier-single-endpoint': {
    severity: 'info',
    title: 'outlier detection for a Service with one pod',
    remedy: 'run two replicas or more: the last pod is never ejected, so that this has no effect',
  },
  'host-matches-nothing': {
    severity: 'warning',
    title: 'a policy is for a host that no Service has',
    remedy: "correct the host; short names mean Services of the policy's own namespace",
  },
  'target-unknown': {
    severity: 'error',
    title: 'a rule sends requests to a host that does not exist',
    remedy: 'correct the host, create the Service, or declare it with a ServiceEntry',
  },
  'target-port-unknown': {
    severity: 'error',
    title: 'a rule sends requests to a port that the Service has not',
    remedy: 'name one of the ports of the Service',
  },
  'target-without-pods': {
    severity: 'error',
    title: 'a rule sends requests to a Service that has no pods',
    remedy: 'start its pods, correct its selector, or take its share away',
  },
  'subset-undefined': {
    severity: 'error',
    title: 'a rule sends requests to a subset that nobody defines',
    remedy: 'define the subset in a DestinationRule for that host, or correct its name',
  },
  'subset-empty': {
    severity: 'warning',
    title: 'a subset selects no pod',
    remedy: 'correct the labels of the subset, or start pods with these labels',
  },
  'rule-shadowed': {
    severity: 'warning',
    title: 'a rule can never match, because an earlier one takes every request that it would',
    remedy: 'put the narrower rule first, or take it out',
  },
  'path-not-normal': {
    severity: 'warning',
    title: 'a rule asks for a path that no request has once its path is normalised',
    remedy: 'write the path as it is after normalisation, or set pathNormalization (docs/policies/istio.md)',
  },
  'protocol-conflict': {
    severity: 'warning',
    title: 'one port of one host is said to speak two protocols',
    remedy: 'name the same protocol in both, or give the port to one of them',
  },
  'grpc-port-unnamed': {
    severity: 'info',
    title: 'a port takes gRPC, and neither its name nor its appProtocol says so',
    remedy: 'begin the name of the port with grpc, or set appProtocol: grpc',
  },
  'authorization-tcp': {
    severity: 'warning',
    title: 'a rule of authorization asks for what only requests have, on a port whose bytes nobody reads',
    remedy:
      'give the port a rule of its own (ports), by principals, namespaces or addresses, or name it for what it speaks (http, grpc)',
  },
  'authorization-plaintext': {
    severity: 'warning',
    title: 'an ALLOW rule only excludes identities, so that clients without one pass',
    remedy: "add principals: ['*'] beside it, or demand mutual TLS with a PeerAuthentication (STRICT)",
  },
  'clients-coalesce': {
    severity: 'warning',
    title:
      'two listeners for different hosts have one certificate, so that clients of HTTP/2 use one connection for both',
    remedy: 'give each listener a certificate with its own names, or put the hosts into one listener',
  },
  'sidecars-overlap': {
    severity: 'warning',
    title: 'two Sidecars are for the same pods, and only one of them counts',
    remedy: 'put both into one, or narrow their selectors',
  },
  'servers-overlap': {
    severity: 'warning',
    title: "two Servers of Linkerd's are for one port of the same pods, and the older one counts",
    remedy: 'put both into one, or narrow their selectors',
  },
  'namespace-unknown': {
    severity: 'warning',
    title: 'a policy is exported to a namespace that does not exist',
    remedy: 'correct the name of the namespace, or take it out',
  },
  'rules-joined': {
    severity: 'info',
    title: 'several objects have rules for one host, which are tried in the order of their age',
    remedy: 'put the rules into one object where their order matters',
  },
  'policy-selects-nothing': {
    severity: 'warning',
    title: 'the selector of a policy matches no pod',
    remedy: 'correct the labels, or take the policy out',
  },
  'caller-selects-nothing': {
    severity: 'warning',
    title: 'a rule is only for callers that do not exist',
    remedy: 'correct the labels or the namespace of the callers',
  },
  'retries-repeat-writes': {
    severity: 'warning',
    title: 'requests that are not idempotent may be sent twice',
    remedy:
      'retry only GET, PUT and DELETE, or see that the service tells a repeated request by a key of its own',
  },
  'retries-without-effect': {
    severity: 'info',
    title: 'retries for a method that is not repeated once a byte of it reached the app',
    remedy: 'nothing needs to be done; say so in a policy of Weft where repeating is safe',
  },
  'timeout-cuts-retries': {
    severity: 'warning',
    title: 'the time limit of a rule is over before its last retry begins',
    remedy: 'raise timeout above attempts × perTryTimeout, or lower one of these',
  },
  'service-selects-nothing': {
    severity: 'warning',
    title: 'a Service has no pods',
    remedy: 'correct its selector; every request to it is answered with 503',
  },
  'service-port-unserved': {
    severity: 'error',
    title: 'no pod behind a Service has its target port',
    remedy: 'name a port that the containers have, by number or by name',
  },
  'proxy-too-small': {
    severity: 'warning',
    title: 'the proxies of a workload used more than they ask Kubernetes for, or nearly all that they may',
    remedy: 'annotate its pod template with what is proposed',
  },
  'proxy-too-large': {
    severity: 'info',
    title: 'the proxies of a workload ask Kubernetes for much more than they used',
    remedy: 'annotate its pod template with what is proposed',
  },
} as const satisfies Record<string, CodeInfo>;

/** A code of this room's own. */
export type Code = keyof typeof all;

/** Every code that analysis itself gives; those of Problems are in docs/errors.md. */
export const CODES: Readonly<Record<Code, CodeInfo>> = all;

/** What the code means; undefined for those of Problems. */
export function codeInfo(code: string): CodeInfo | undefined {
  return Object.hasOwn(all, code) ? CODES[code as Code] : undefined;
}
