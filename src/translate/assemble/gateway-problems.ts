import { whyNoPort } from '../../deployment/index.ts';
import {
  attachedTo,
  type BackendTls,
  type CredentialRef,
  credentialKey,
  type Gateway,
  ISSUER_ANNOTATION,
  isOurs,
  type JoinedListener,
  joinedListeners,
  type Labels,
  type Mesh,
  mayName,
  type Problem,
  problem,
  servedObjects,
} from '../../model/index.ts';
import { given } from '../given.ts';

/** What is wrong with our gateways: what their objects say, listeners in conflict, certificates that are not there. */
export function* gatewayProblems(mesh: Mesh): Iterable<Problem> {
  for (const gateways of mesh.gateways.values()) {
    const ours = gatewayObjects(gateways, mesh);
    for (const { problems = [] } of ours) yield* problems;
    for (const each of ours) yield* clientCertificateProblems(each, mesh);
    for (const joined of joinedListeners(ours)) {
      yield* conflictOf(joined);
      yield* portProblems(joined, mesh);
      yield* credentialProblems(joined, mesh);
      yield* issuerProblems(joined, mesh);
    }
  }
}

function* clientCertificateProblems(gateway: Gateway, mesh: Mesh): Iterable<Problem> {
  const { clientCertificate, from } = gateway;
  if (clientCertificate === undefined) return;
  const wrong = whyNoCredential(gateway, clientCertificate, ['tls.crt', 'tls.key'], mesh);
  if (wrong === undefined) return;
  const path = 'spec.tls.backend.clientCertificateRef';
  const message = `${path}: ${wrong.why}; upstreams that ask for a certificate get none`;
  yield problem(wrong.code, message, { object: from, path, severity: 'warning' });
}

/** VirtualServices at gateways that are not there, or that have no listener for their hosts. */
export function* virtualServiceProblems(mesh: Mesh): Iterable<Problem> {
  const said = new Set<string>();
  for (const [gateway, routes] of mesh.gatewayHosts) {
    if (!gateway.includes('/istio-gateway:')) continue;
    const called = gateway.replace('istio-gateway:', '');
    const listeners = joinedListeners(mesh.gateways.get(gateway) ?? []);
    for (const { from, host, kind, namespace, port, section } of routes) {
      if (from.kind !== 'VirtualService') continue;
      const route = { gateway, host, kind, namespace, ...given({ port, section }) };
      const labelsOf = (each: string): Labels => mesh.namespaces.get(each)?.[0]?.labels ?? {};
      if (listeners.some(each => 'host' in attachedTo(each, route, labelsOf))) continue;
      const why =
        listeners.length === 0
          ? `there is no Gateway ${called} with a server that can be opened`
          : `no server of Gateway ${called} takes ${kind === 'http' ? 'requests' : 'connections'} for ${host} from namespace ${namespace}`;
      const id = `${from.namespace}/${from.name} ${why}`;
      if (said.has(id)) continue;
      said.add(id);
      const message = `spec.gateways: ${why}, so that its rules for it have no effect; name its host in the server, or another gateway`;
      yield problem('parent-not-found', message, {
        object: from,
        path: 'spec.gateways',
        severity: 'warning',
      });
    }
  }
}

/** Secrets of DestinationRules that are nowhere where they are looked for. */
export function* upstreamCredentialProblems({ upstreamCredentials, credentials }: Mesh): Iterable<Problem> {
  if (upstreamCredentials.size === 0) return;
  const places = new Map<string, Set<string>>();
  for (const key of credentials.keys()) {
    const [, namespace = '', name = ''] = /^Secret ([^/]+)\/(.+)$/.exec(key) ?? [];
    places.set(name, (places.get(name) ?? new Set()).add(namespace));
  }
  for (const [name, policies] of upstreamCredentials)
    for (const { namespace, selector, path, from } of policies) {
      // Those for gateways are where those run, which nobody here knows.
      const isThere = [name, `${name}-cacert`].some(each =>
        selector === undefined ? places.has(each) : places.get(each)?.has(namespace),
      );
      if (isThere) continue;
      const where =
        selector === undefined
          ? "in any namespace that is read; put it where the gateway's pods run"
          : `in ${namespace} that the control plane may read; make it, and give the right (docs/rights.md)`;
      yield problem('credential-missing', `${path}: there is no Secret ${name} ${where}`, {
        ...{ object: from, path, severity: 'warning' },
      });
    }
}

/** What is wrong with BackendTLSPolicies between objects: Services and authorities that are not there. */
export function* backendTlsProblems(mesh: Mesh): Iterable<Problem> {
  for (const policies of mesh.backendTls.values())
    for (const policy of policies) {
      const { from, host, portName } = policy;
      const missing = whyNoService({ host, ...(portName !== undefined && { portName }) }, mesh);
      if (missing !== undefined)
        yield problem('target-not-found', `spec.targetRefs: ${missing}`, {
          ...{ object: from, path: 'spec.targetRefs', severity: 'warning' },
        });
      const trouble = backendTlsTrouble(policy, mesh);
      // A kind that is none, or an object that cannot be read, is named where it is translated.
      if (trouble === undefined || policy.authorities.length === 0) continue;
      const path = 'spec.validation.caCertificateRefs';
      const outcome = trouble.all ? '; nothing can be sent to its Services' : '';
      yield problem(trouble.code, `${path}: ${trouble.why}${outcome}`, {
        object: from,
        path,
        severity: 'warning',
      });
    }
}

/** What is wrong with the authorities of a policy; `all`: none is there, so that nobody's certificate is good. */
export function backendTlsTrouble(
  { authorities, from }: BackendTls,
  mesh: Pick<Mesh, 'credentials' | 'credentialGrants'>,
): { readonly code: string; readonly why: string; readonly all: boolean } | undefined {
  if (authorities === 'system') return undefined;
  const none = { code: 'credential-missing', why: 'no ConfigMap is named', all: true };
  if (authorities.length === 0) return none;
  const wrong = authorities.flatMap(ref => whyNoCredential(from, ref, ['ca.crt'], mesh) ?? []);
  const [first] = wrong;
  return first && { ...first, all: wrong.length === authorities.length };
}

/** Why there is no such Service, or port of it by its name; undefined where there is. */
export function whyNoService(
  { host, portName }: { readonly host: string; readonly portName?: string },
  { services, serviceByHost, clusterDomain }: Pick<Mesh, 'services' | 'serviceByHost' | 'clusterDomain'>,
): string | undefined {
  const name = host.slice(0, -`.svc.${clusterDomain}`.length);
  const service = services.get(serviceByHost.get(host) ?? '');
  if (service === undefined) return `there is no Service ${name}`;
  if (portName === undefined || service.ports.some(each => each.name === portName)) return undefined;
  const known = service.ports.map(each => each.name).join(', ') || 'none';
  return `Service ${name} has no port called ${portName} (it has ${known})`;
}

/** Of all that speaks of one gateway, what counts of it where it is ours. */
export function gatewayObjects(all: readonly Gateway[], mesh: Mesh): readonly Gateway[] {
  return servedObjects(
    all,
    each => isOurGateway(each, mesh),
    namespace => mesh.namespaces.get(namespace)?.[0]?.labels ?? {},
  );
}

/** Whether its class is one of ours. */
export function isOurGateway({ className }: Gateway, { gatewayClasses }: Mesh): boolean {
  return isOurs(className, className === undefined ? [] : (gatewayClasses.get(className) ?? []));
}

function* conflictOf({ listener, gateway, conflict }: JoinedListener): Iterable<Problem> {
  if (conflict === undefined) return;
  const { path, port, hostname = 'all hosts' } = listener;
  const why =
    conflict === 'ProtocolConflict'
      ? `another listener has port ${port} for another protocol; give it a port of its own`
      : `another listener of port ${port} is for ${hostname}, too; give it another hostname`;
  const message = `${path}: ${why}. It is not opened`;
  yield problem('listener-conflict', message, { object: gateway.from, path, severity: 'warning' });
}

/** Why nobody can open the listener's port; undefined where they can, or where nobody knows on which ports proxies listen. */
export function whyUnavailable(
  { listener, root }: JoinedListener,
  { gatewayPorts }: Pick<Mesh, 'gatewayPorts'>,
): string | undefined {
  return gatewayPorts === undefined || root.byHand ? undefined : whyNoPort(listener, gatewayPorts);
}

function* portProblems(joined: JoinedListener, mesh: Mesh): Iterable<Problem> {
  const why = whyUnavailable(joined, mesh);
  if (why === undefined) return;
  const path = `${joined.listener.path}.port`;
  yield problem('listener-port-unavailable', `${path}: ${why}`, {
    ...{ object: joined.gateway.from, path, severity: 'warning' },
  });
}

/** Why nothing can be had of the reference; undefined where it can. `keys`: those that must be there. */
export function whyNoCredential(
  gateway: Pick<Gateway, 'namespace' | 'needsGrant'>,
  ref: CredentialRef,
  keys: readonly string[],
  { credentials, credentialGrants }: Pick<Mesh, 'credentials' | 'credentialGrants'>,
):
  | {
      readonly code: 'reference-not-permitted' | 'credential-missing' | 'credential-invalid';
      readonly why: string;
    }
  | undefined {
  const name = `${ref.kind} ${ref.namespace}/${ref.name}`;
  if (!mayName(gateway, ref, credentialGrants.get(ref.namespace) ?? []))
    return {
      code: 'reference-not-permitted',
      why: `no ReferenceGrant in ${ref.namespace} lets ${gateway.needsGrant?.kind ?? 'Gateway'}s of ${gateway.namespace} name ${name}; add one there`,
    };
  const found = credentials.get(credentialKey(ref))?.[0];
  if (found === undefined) return { code: 'credential-missing', why: `there is no ${name}` };
  const bad = keys.find(key => !hasPem(found.data[key] ?? ''));
  if (bad === undefined) return undefined;
  if (found.failure !== undefined)
    return { code: 'credential-invalid', why: `${name} waits for its certificate: ${found.failure}` };
  const what = found.data[bad] === undefined ? `has no ${bad}` : `has no PEM under ${bad}`;
  return { code: 'credential-invalid', why: `${name} ${what}` };
}

/** Whether the text holds a block of PEM (RFC 7468). Whether a key fits its certificate, proxies find out. */
function hasPem(text: string): boolean {
  const [, label, body = ''] =
    /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/.exec(text) ?? [];
  return label !== undefined && body.trim().length > 0;
}

/** Issuers that are not there, and names that theirs cannot be shown for. */
function* issuerProblems({ listener, gateway }: JoinedListener, mesh: Mesh): Iterable<Problem> {
  const path = `${listener.path}.tls`;
  for (const { issuer: key, names } of listener.tls?.issued ?? []) {
    const issuer = mesh.certificateIssuers.get(key)?.[0];
    const wildcard = names.find(each => each.startsWith('*.'));
    const why =
      issuer === undefined
        ? `there is no CertificateIssuer ${key}, which ${ISSUER_ANNOTATION} names`
        : wildcard !== undefined && issuer.challenge !== 'dns-01'
          ? `${wildcard} can be shown to be ours by DNS alone; say challenge: dns-01 in CertificateIssuer ${key}`
          : undefined;
    if (why === undefined) continue;
    const message = `${path}: ${why}; no certificate is fetched`;
    yield problem('issuer-missing', message, { object: gateway.from, path, severity: 'warning' });
  }
}

/** Of a Secret in whatever namespace the gateway's pods run: it is missing where none is called so. */
function whyNowhere(
  ref: CredentialRef,
  keys: readonly string[],
  mesh: Pick<Mesh, 'credentials'>,
): { readonly code: string; readonly why: string } | undefined {
  // Authorities may stand in the certificate's own Secret, or in the one beside it.
  if (keys.length === 1) return undefined;
  if (isAnywhere(ref, mesh)) return undefined;
  return {
    code: 'credential-missing',
    why: `there is no ${ref.kind} ${ref.name} in any namespace that is read; put it where the gateway's pods run`,
  };
}

function isAnywhere({ kind, name }: CredentialRef, { credentials }: Pick<Mesh, 'credentials'>): boolean {
  for (const key of credentials.keys())
    if (key.startsWith(`${kind} `) && key.endsWith(`/${name}`)) return true;
  return false;
}

function* credentialProblems({ listener, gateway, root }: JoinedListener, mesh: Mesh): Iterable<Problem> {
  const { tls, path } = listener;
  if (tls?.mode !== 'terminate' || tls.files !== undefined || tls.identity !== undefined) return;
  const at = { object: gateway.from, path: `${path}.tls`, severity: 'warning' } as const;
  if (tls.certificates.length === 0)
    yield problem('credential-missing', `${path}.tls names no certificate, so that nobody can connect`, at);
  const refs = [
    ...tls.certificates.map(ref => ({ ref, keys: ['tls.crt', 'tls.key'], of: gateway })),
    ...(tls.clients?.authorities ?? []).map(ref => ({ ref, keys: ['ca.crt'], of: root })),
  ];
  const wanted = tls.clients?.authorities ?? [];
  if (wanted.length > 0 && wanted.every(ref => ref.namespace === '' && !isAnywhere(ref, mesh))) {
    const words = [...new Set(wanted.map(({ kind, name }) => `${kind} ${name}`))].join(' nor ');
    const why = `there is neither ${words} with the authorities of clients in any namespace that is read`;
    yield problem('credential-missing', `${path}.tls: ${why}; no certificate of clients is good`, at);
  }
  for (const { ref, keys, of } of refs) {
    const wrong = ref.namespace === '' ? whyNowhere(ref, keys, mesh) : whyNoCredential(of, ref, keys, mesh);
    if (wrong === undefined) continue;
    const outcome =
      keys.length > 1 ? 'who asks for its names cannot connect' : 'no certificate of clients is good';
    yield problem(wrong.code, `${path}.tls: ${wrong.why}; ${outcome}`, at);
  }
}
