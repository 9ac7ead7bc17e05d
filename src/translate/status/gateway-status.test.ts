import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEPLOYED_PORTS } from '../../deployment/index.ts';
import { changesOf } from '../testing/from-yaml.ts';
import { Translator, type TranslatorOptions } from '../translator.ts';
import { mergeStatus } from './merge-status.ts';
import type { ObjectStatus } from './object-status.ts';
import { objectStatuses } from './statuses.ts';

const golden = readFileSync(join(import.meta.dirname, '../golden/gateway/gateways.yaml'), 'utf8');
const service = `
---
apiVersion: v1
kind: Service
metadata: { name: edge-weft, namespace: shop }
spec: { clusterIP: 10.96.0.9, ports: [{ port: 80 }] }
`;

function statuses(yaml: string, options: TranslatorOptions = {}): Map<string, ObjectStatus> {
  const translator = new Translator(options);
  const changes = changesOf(yaml);
  const { mesh } = translator.apply(changes);
  const objects = changes.flatMap(each => (each.type === 'put' ? [each.stored] : []));
  const all = objectStatuses({ objects, problems: translator.problems(), mesh });
  return new Map(all.map(each => [`${each.object.kind} ${each.ref.name}`, each]));
}

const told = statuses(golden + service);

function conditions(
  list: readonly { readonly type: string; readonly status: string; readonly reason: string }[],
): string {
  return list.map(({ type, status, reason }) => `${type}=${status} ${reason}`).join(', ');
}

test('a Gateway of ours has its listeners, each with what became of it and how many routes it has', () => {
  const { content } = told.get('Gateway edge')!;
  assert.ok(content?.shape === 'gateway');
  assert.equal(
    conditions(content.conditions),
    'Accepted=True ListenersNotValid, Programmed=True Programmed, ResolvedRefs=False ListenersNotResolved',
  );
  assert.deepEqual(content.addresses, ['10.96.0.9']);
  assert.deepEqual(
    content.listeners.map(
      each =>
        `${each.name} ${each.attachedRoutes} ${each.supportedKinds.join('+')}: ${conditions(each.conditions)}`,
    ),
    [
      'http 2 HTTPRoute+GRPCRoute: Accepted=True Accepted, Programmed=True Programmed, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts',
      'https 0 HTTPRoute: Accepted=False NoValidCACertificate, Programmed=False Invalid, ResolvedRefs=False InvalidCertificateRef, Conflicted=False NoConflicts',
      'passed-on 1 TLSRoute: Accepted=True Accepted, Programmed=True Programmed, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts',
      'bytes 1 TCPRoute: Accepted=True Accepted, Programmed=True Programmed, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts',
      'twice-a 0 HTTPRoute+GRPCRoute: Accepted=False HostnameConflict, Programmed=False HostnameConflict, ResolvedRefs=True ResolvedRefs, Conflicted=True HostnameConflict',
      'twice-b 0 HTTPRoute+GRPCRoute: Accepted=False HostnameConflict, Programmed=False HostnameConflict, ResolvedRefs=True ResolvedRefs, Conflicted=True HostnameConflict',
      'spoken 0 : Accepted=False UnsupportedProtocol, Programmed=False Invalid, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts',
      'datagrams 0 UDPRoute: Accepted=True Accepted, Programmed=True Programmed, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts',
      'no-tls 0 : Accepted=False UnsupportedValue, Programmed=False Invalid, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts',
    ],
  );
});

test('Gateways and classes of others are left alone', () => {
  assert.equal(told.get('Gateway foreign')!.content, undefined);
  assert.equal(told.get('GatewayClass other')!.content, undefined);
  const { content } = told.get('GatewayClass weft')!;
  assert.ok(content?.shape === 'class');
  assert.equal(conditions(content.conditions), 'Accepted=True Accepted');
});

test('without a Service in front of its proxies a Gateway is not programmed', () => {
  const { content } = statuses(golden).get('Gateway edge')!;
  assert.ok(content?.shape === 'gateway');
  assert.match(conditions(content.conditions), /Programmed=False AddressNotAssigned/);
});

test('a route says for each Gateway whether it belongs to it, as the controller of gateways; for its Services as before', () => {
  const parents = (name: string): readonly string[] => {
    const { content } = told.get(name)!;
    assert.ok(content?.shape === 'parents');
    return content.parents.map(
      ({ parentRef, controllerName, conditions: list }) =>
        `${(parentRef as { name: string }).name} ${controllerName ?? 'mesh'}: ${conditions(list)}`,
    );
  };
  assert.deepEqual(parents('HTTPRoute web'), [
    'edge weft.dev/gateway-controller: Accepted=True Accepted, ResolvedRefs=True ResolvedRefs',
    'edge weft.dev/gateway-controller: Accepted=False NotAllowedByListeners, ResolvedRefs=True ResolvedRefs',
    'web mesh: Accepted=True Accepted, ResolvedRefs=True ResolvedRefs',
  ]);
  assert.deepEqual(parents('GRPCRoute calls'), [
    'edge weft.dev/gateway-controller: Accepted=True Accepted, ResolvedRefs=False RefNotPermitted',
  ]);
  assert.deepEqual(parents('TLSRoute names'), [
    'edge weft.dev/gateway-controller: Accepted=True Accepted, ResolvedRefs=False RefNotPermitted',
  ]);
  assert.deepEqual(parents('TCPRoute bytes').slice(0, 1), [
    'edge weft.dev/gateway-controller: Accepted=True Accepted, ResolvedRefs=True ResolvedRefs, PartiallyInvalid=True UnsupportedValue',
  ]);
});

test('every condition names the generation that it speaks of, keeps its time, and those of others stay', () => {
  const { content } = told.get('Gateway edge')!;
  const other = { type: 'Ready', status: 'True', reason: 'x', message: '', lastTransitionTime: 't' };
  const before = { conditions: [other, { type: 'Accepted', status: 'True', lastTransitionTime: 'before' }] };
  const merged = mergeStatus(content!, before, 7, 'now') as {
    conditions: { type: string; observedGeneration?: number; lastTransitionTime: string }[];
    listeners: { name: string; conditions: { observedGeneration: number; lastTransitionTime: string }[] }[];
    addresses: unknown;
  };
  assert.deepEqual(
    merged.conditions.map(each => [each.type, each.observedGeneration, each.lastTransitionTime]),
    [
      ['Ready', undefined, 't'],
      ['Accepted', 7, 'before'],
      ['Programmed', 7, 'now'],
      ['ResolvedRefs', 7, 'now'],
    ],
  );
  assert.deepEqual(merged.addresses, [{ type: 'IPAddress', value: '10.96.0.9' }]);
  assert.ok(merged.listeners.every(each => each.conditions.every(one => one.observedGeneration === 7)));
  assert.equal(mergeStatus(content!, merged, 7, 'later'), undefined, 'nothing to write');
});

test('a BackendTLSPolicy says for each Gateway that sends to its Services whether it holds, and which authorities are not there', () => {
  const golden = readFileSync(join(import.meta.dirname, '../golden/gateway/backend-tls.yaml'), 'utf8');
  const all = statuses(golden);
  const said = [...all].flatMap(([name, { content }]) =>
    content?.shape === 'ancestors'
      ? [[name.split(' ')[1], ...content.ancestors.map(each => conditions(each.conditions))]]
      : [],
  );
  assert.deepEqual(said, [
    ['b-whole', 'Accepted=True Accepted, ResolvedRefs=True ResolvedRefs'],
    ['c-port', 'Accepted=True Accepted, ResolvedRefs=True ResolvedRefs'],
    ['d-late', 'Accepted=False Conflicted, ResolvedRefs=True ResolvedRefs'],
    ['malformed', 'Accepted=False NoValidCACertificate, ResolvedRefs=False InvalidCACertificateRef'],
    ['kind', 'Accepted=False TargetNotFound, ResolvedRefs=False InvalidKind'],
    ['unknown-set', 'Accepted=False Invalid, ResolvedRefs=True ResolvedRefs'],
    ['nobody'],
  ]);
  const withKind = statuses(
    `${golden}\n---\napiVersion: v1\nkind: Service\nmetadata: { name: kind, namespace: shop }\nspec: { clusterIP: 10.96.0.3, ports: [{ port: 1 }] }\n`,
  ).get('BackendTLSPolicy kind')!.content;
  assert.ok(withKind?.shape === 'ancestors');
  assert.equal(
    conditions(withKind.ancestors[0]!.conditions),
    'Accepted=False NoValidCACertificate, ResolvedRefs=False InvalidKind',
  );
  const foreign = { ancestorRef: { name: 'x' }, controllerName: 'example.com/other', conditions: [] };
  const merged = mergeStatus(withKind, { ancestors: [foreign] }, 3, 'now') as {
    ancestors: { controllerName: string; conditions: { observedGeneration?: number }[] }[];
  };
  assert.deepEqual(
    merged.ancestors.map(each => [each.controllerName, each.conditions.map(one => one.observedGeneration)]),
    [
      ['example.com/other', []],
      ['weft.dev/gateway-controller', [3, 3]],
    ],
  );
});

test('a Gateway whose certificate for upstreams is not there says so', () => {
  const golden = readFileSync(join(import.meta.dirname, '../golden/gateway/backend-tls.yaml'), 'utf8');
  const resolved = (yaml: string): string => {
    const { content } = statuses(yaml).get('Gateway edge')!;
    assert.ok(content?.shape === 'gateway');
    return conditions(content.conditions.filter(each => each.type === 'ResolvedRefs'));
  };
  assert.equal(resolved(golden), 'ResolvedRefs=True ResolvedRefs');
  const to = (ref: string): string =>
    golden.replace('clientCertificateRef: { name: edge-client }', `clientCertificateRef: ${ref}`);
  assert.equal(resolved(to('{ name: missing }')), 'ResolvedRefs=False InvalidClientCertificateRef');
  assert.equal(
    resolved(to('{ kind: ConfigMap, name: ca }')),
    'ResolvedRefs=False InvalidClientCertificateRef',
  );
  assert.equal(resolved(to('{ name: x, namespace: vault }')), 'ResolvedRefs=False RefNotPermitted');
});

test('what a Gateway asks for besides listeners, and cannot have, its conditions say', () => {
  const told = (spec: string, address = '192.0.2.5'): string => {
    const { content } = statuses(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, listeners: [{ name: http, port: 80, protocol: HTTP }], ${spec} }
---
apiVersion: v1
kind: Service
metadata: { name: edge-weft, namespace: shop }
spec: { type: LoadBalancer, clusterIP: 10.96.0.9, ports: [{ port: 80 }] }
status: { loadBalancer: { ingress: [${address}] } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: wrong, namespace: shop }
data: { gateway.yaml: "replicas: many" }
`).get('Gateway edge')!;
    assert.ok(content?.shape === 'gateway');
    const [accepted, programmed] = content.conditions;
    return `${accepted!.reason} ${programmed!.reason} ${content.addresses.join()}`;
  };
  const one = '{ ip: 192.0.2.5 }';
  const asking = (addresses: string): string => `addresses: [${addresses}]`;
  const named = (kind: string, name: string): string =>
    `infrastructure: { parametersRef: { group: "", kind: ${kind}, name: ${name} } }`;
  assert.equal(told('', one), 'Accepted Programmed 192.0.2.5');
  assert.equal(told('', '{ hostname: lb.example.com }'), 'Accepted Programmed lb.example.com');
  assert.equal(told('', ''), 'Accepted AddressNotAssigned ', 'cluster addresses are not what was asked for');
  assert.equal(told(asking('{ value: 192.0.2.5 }'), one), 'Accepted Programmed 192.0.2.5');
  assert.equal(told(asking('{ type: IPAddress }'), one), 'Accepted Programmed 192.0.2.5');
  assert.equal(told(asking('{ value: 192.0.2.6 }'), one), 'Accepted AddressNotUsable ');
  const both = asking('{ value: 192.0.2.5 }, { value: 192.0.2.6 }');
  assert.equal(told(both, one), 'Accepted AddressNotUsable 192.0.2.5');
  const odd = asking('{ type: example.com/x, value: y }');
  assert.equal(told(odd, one), 'UnsupportedAddress Programmed 192.0.2.5');
  for (const [kind, name] of [
    ['ConfigMap', 'gone'],
    ['ConfigMap', 'wrong'],
    ['Secret', 'wrong'],
  ])
    assert.equal(told(named(kind!, name!), one), 'InvalidParameters Programmed 192.0.2.5', `${kind} ${name}`);
});

test('a Gateway that lets clients in whatever they show says so, and no longer once it does not; what others say stays', () => {
  const yaml = (frontend: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, tls: { frontend: { ${frontend} } }, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`;
  const contentOf = (frontend: string) => statuses(yaml(frontend)).get('Gateway edge')!.content!;
  const of = (mode: string): string =>
    `validation: { mode: ${mode}, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }] }`;
  const strict = `default: { ${of('AllowValidOnly')} }`;
  const open = `${strict}, perPort: [{ port: 8443, tls: { ${of('AllowInsecureFallback')} } }]`;
  const written = (frontend: string, before: object): readonly { type: string; reason: string }[] =>
    (mergeStatus(contentOf(frontend), { ...before }, 1, 'now') as { conditions: never[] }).conditions;
  const isTold = (list: readonly { type: string; reason: string }[]): string =>
    list.map(({ type, reason }) => (/^Insecure|^Ready/.test(type) ? `${type} ${reason} ` : '')).join('');
  const others = { conditions: [{ type: 'Ready', reason: 'x' }] };
  assert.equal(isTold(written(strict, others)), 'Ready x ');
  const conditions = written(open, others);
  assert.equal(isTold(conditions), 'Ready x InsecureFrontendValidationMode ConfigurationChanged ');
  assert.match(JSON.stringify(conditions), /AllowInsecureFallback of port 8443/);
  assert.equal(isTold(written(strict, { conditions })), 'Ready x ', 'AllowValidOnly again');
});

test('a class of ours says what it supports, sorted', () => {
  const { content } = told.get('GatewayClass weft')!;
  assert.ok(content?.shape === 'class');
  assert.deepEqual(content.features, content.features.toSorted());
  const { supportedFeatures } = mergeStatus(content, {}, 1, 'now') as { supportedFeatures: object[] };
  assert.deepEqual(supportedFeatures[0], { name: content.features[0] });
});

test('ListenerSets say what became of them and each of their listeners, and routes whether they belong to them', () => {
  const all = statuses(
    readFileSync(join(import.meta.dirname, '../golden/gateway/listener-sets.yaml'), 'utf8'),
  );
  const set = (name: string): readonly string[] => {
    const { content } = all.get(name)!;
    if (content === undefined) return [];
    assert.ok(content.shape === 'listener-set');
    const told = content.listeners.map(
      each => `${each.name} ${each.attachedRoutes}: ${conditions(each.conditions)}`,
    );
    return [conditions(content.conditions), ...told];
  };
  const good =
    'Accepted=True Accepted, Programmed=True Programmed, ResolvedRefs=True ResolvedRefs, Conflicted=False NoConflicts';
  const conflicting =
    'Accepted=False HostnameConflict, Programmed=False HostnameConflict, ResolvedRefs=True ResolvedRefs, Conflicted=True HostnameConflict';
  assert.deepEqual(set('ListenerSet first'), [
    'Accepted=True ListenersNotValid, Programmed=True Programmed',
    `own 1: ${good}`,
    `taken 0: ${conflicting}`,
    `bytes 0: ${good}`,
    'https 0: Accepted=True Accepted, Programmed=False Invalid, ResolvedRefs=False RefNotPermitted, Conflicted=False NoConflicts',
  ]);
  assert.deepEqual(set('XListenerSet second'), [
    'Accepted=False ListenersNotValid, Programmed=False ListenersNotValid',
    `own 1: ${conflicting}`,
  ]);
  assert.deepEqual(set('ListenerSet stranger'), ['Accepted=False NotAllowed, Programmed=False NotAllowed']);
  assert.deepEqual(set('ListenerSet uninvited'), ['Accepted=False NotAllowed, Programmed=False NotAllowed']);
  assert.deepEqual(set('ListenerSet nowhere'), []);
  const { content } = all.get('Gateway edge')!;
  assert.ok(content?.shape === 'gateway');
  assert.equal(content.attachedSets, 1);
  assert.equal(
    (mergeStatus(content, {}, 1, 'now') as { attachedListenerSets: number }).attachedListenerSets,
    1,
  );
  const route = all.get('HTTPRoute both')!.content;
  assert.ok(route?.shape === 'parents');
  assert.deepEqual(
    route.parents.map(each => conditions(each.conditions)),
    [
      'Accepted=True Accepted, ResolvedRefs=True ResolvedRefs',
      'Accepted=False NotAllowedByListeners, ResolvedRefs=True ResolvedRefs',
      'Accepted=True Accepted, ResolvedRefs=True ResolvedRefs',
    ],
  );
});

test('a listener whose port no proxy can open says so, with its problem, where it is known how proxies listen', () => {
  const yaml = (annotations = ''): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop${annotations} }
spec:
  gatewayClassName: weft
  listeners:
  - { name: web, port: 80, protocol: HTTP }
  - { name: health, port: 7020, protocol: HTTP }
  - { name: outbound, port: 7001, protocol: TCP }
  - { name: datagrams, port: 7020, protocol: UDP }
  - { name: high, port: 57536, protocol: UDP }
  - { name: highest, port: 57535, protocol: HTTP }
${service}`;
  const at = (annotations: string, options: TranslatorOptions): readonly string[] => {
    const { content, problems, effect } = statuses(yaml(annotations), options).get('Gateway edge')!;
    assert.ok(content?.shape === 'gateway');
    const closed = content.listeners.filter(each => each.conditions[0]!.status === 'False');
    assert.deepEqual(
      problems.map(({ code, path, message }) => `${code} ${path} ${message}`),
      closed.map(each => {
        const [{ reason, message }, programmed] = [each.conditions[0]!, each.conditions[1]!];
        assert.equal(
          `${reason} ${programmed.status} ${programmed.message}`,
          `PortUnavailable False ${message}`,
        );
        const path = `spec.listeners[${content.listeners.indexOf(each)}].port`;
        return `listener-port-unavailable ${path} ${path}: ${message}`;
      }),
    );
    assert.equal(effect, closed.length > 0 ? 'part' : 'all');
    return closed.map(each => each.name);
  };
  assert.deepEqual(at('', { gatewayPorts: DEPLOYED_PORTS }), ['health', 'outbound', 'high']);
  assert.deepEqual(at('', { gatewayPorts: { offset: 0, taken: [7001] } }), ['outbound']);
  assert.deepEqual(at('', {}), []);
  assert.deepEqual(at(', annotations: { weft.dev/deploy: none }', { gatewayPorts: DEPLOYED_PORTS }), []);
});

test('a kind of routes that does not fit the listener is named, and the others hold; where none fits the listener is not opened', () => {
  const kinds = (...names: string[]): string =>
    `allowedRoutes: { kinds: [${names.map(each => `{ kind: ${each} }`).join(', ')}] }`;
  const { content } = statuses(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  gatewayClassName: weft
  listeners:
  - { name: both, port: 443, protocol: TLS, tls: { mode: Passthrough }, ${kinds('TCPRoute', 'TLSRoute')} }
  - { name: none, port: 444, protocol: TLS, tls: { mode: Passthrough }, ${kinds('TCPRoute')} }
  - { name: unknown, port: 80, protocol: HTTP, ${kinds('FarRoute', 'HTTPRoute')} }
  - { name: fit, port: 81, protocol: HTTP, ${kinds('GRPCRoute')} }
${service}`).get('Gateway edge')!;
  assert.ok(content?.shape === 'gateway');
  assert.deepEqual(
    content.listeners.map(
      each =>
        `${each.name} ${each.supportedKinds.join('+')}: ${conditions(each.conditions.slice(1, 3))} ${each.conditions[2]!.message}`,
    ),
    [
      'both TLSRoute: Programmed=True Programmed, ResolvedRefs=False InvalidRouteKinds no routes are of kind TCPRoute here; name TLSRoute',
      'none : Programmed=False Invalid, ResolvedRefs=False InvalidRouteKinds no routes are of kind TCPRoute here; name TLSRoute',
      'unknown HTTPRoute: Programmed=True Programmed, ResolvedRefs=False InvalidRouteKinds no routes are of kind FarRoute here; name HTTPRoute or GRPCRoute',
      'fit GRPCRoute: Programmed=True Programmed, ResolvedRefs=True ResolvedRefs ',
    ],
  );
});

test('of connections that are not read the older route has all: the younger is accepted, and told so; so are further rules', () => {
  const route = (kind: string, name: string, day: number, rest: string, rules = 1): string => `---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: ${kind}
metadata: { name: ${name}, namespace: shop, creationTimestamp: "2026-01-0${day}T00:00:00Z" }
spec:
  parentRefs: [{ name: streams }]
  ${rest}
  rules: [${Array.from({ length: rules }, () => '{ backendRefs: [{ name: edge-weft, port: 80 }] }').join(', ')}]
`;
  const all = statuses(
    `${service}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: streams, namespace: shop }
spec: { gatewayClassName: weft, listeners: [{ name: a, port: 9000, protocol: TCP }, { name: t, port: 9443, protocol: TLS, tls: { mode: Passthrough } }] }
${route('TCPRoute', 'older', 1, '', 2)}${route('TCPRoute', 'younger', 2, '')}${route('TLSRoute', 'tls', 1, 'hostnames: [a.test, b.test]')}${route('TLSRoute', 'late', 2, 'hostnames: [b.test, c.test]')}`,
  );
  const said = (id: string): readonly string[] => {
    const content = all.get(id)!.content;
    assert.ok(content?.shape === 'parents');
    return content.parents[0]!.conditions.map(each => `${each.type}=${each.status} ${each.message}`);
  };
  assert.match(said('TCPRoute older')[0]!, /^Accepted=True holds at gateway shop\/streams$/);
  assert.match(said('TCPRoute older')[2]!, /^PartiallyInvalid=True spec\.rules\[1\]: only the first rule/);
  assert.match(said('TCPRoute younger')[0]!, /^Accepted=True .*, but .*TCPRoute older\.shop .*is older/);
  assert.match(said('TLSRoute tls')[0]!, /^Accepted=True holds at gateway shop\/streams$/);
  assert.match(
    said('TLSRoute late')[0]!,
    /^Accepted=True .*, but .*TLSRoute tls\.shop .*b\.test too and is older/,
  );
});

test('a listener whose authorities of clients are of no kind that is read says so, and takes nobody', () => {
  const gateway = (refs: string): string => `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: mutual, namespace: shop }
spec:
  gatewayClassName: weft
  listeners: [{ name: a, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: own }] } }]
  tls: { frontend: { default: { validation: { caCertificateRefs: [${refs}] } } } }
---
apiVersion: v1
kind: Secret
metadata: { name: own, namespace: shop }
type: kubernetes.io/tls
stringData: { tls.crt: "-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----", tls.key: "-----BEGIN PRIVATE KEY-----\\nYQ==\\n-----END PRIVATE KEY-----" }
`;
  const said = (refs: string): string => {
    const content = statuses(gateway(refs)).get('Gateway mutual')!.content;
    assert.ok(content?.shape === 'gateway');
    return conditions(content.listeners[0]!.conditions);
  };
  assert.match(
    said('{ group: example.com, kind: Authority, name: a }'),
    /^Accepted=False NoValidCACertificate, Programmed=False Invalid, ResolvedRefs=False InvalidCACertificateKind/,
  );
  assert.match(
    said('{ group: "", kind: ConfigMap, name: a }'),
    /^Accepted=False NoValidCACertificate, Programmed=False Invalid, ResolvedRefs=False InvalidCACertificateRef/,
  );
});
