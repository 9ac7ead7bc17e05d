import {
  type BoundListener,
  type BoundTls,
  type CertificateResource,
  type CredentialRef,
  certificateKey,
  credentialKey,
  fileCertificateKey,
  type GatewayResource,
  type ListenerTls,
  listenerId,
  type Mesh,
  mayName,
  parseCertificateKey,
  parseGatewayKey,
  type ServedChallenge,
  virtualHostKey,
} from '../model/index.ts';
import type { Caller } from './caller.ts';
import { gatewayPoliciesOf } from './gateway-policies.ts';
import { bySpecificity, candidates } from './host-index.ts';
import { hostAt, isThere, listenersOf, namingOf, placed, type ServedListener } from './joined-gateway.ts';
import { MeshReader, type Resolved } from './mesh-reader.ts';
import { isNamedForUpstreams } from './own-credential.ts';

/** Where the gateway of this key listens, for a proxy that serves it; anybody else is told that there is none. */
export function resolveGateway(mesh: Mesh, caller: Caller, key: string): Resolved<GatewayResource> {
  const reader = new MeshReader(mesh);
  const gateway = parseGatewayKey(key) ?? '';
  const listeners = listenersOf(reader, caller, gateway);
  const open = listeners.filter(each => each.conflict === undefined);
  const why = !isThere(reader, caller, gateway)
    ? `there is no gateway ${gateway} that a proxy of namespace ${caller.namespace} serves`
    : undefined;
  const bound = open.map(each => boundListener(reader, caller, each));
  const challenges = challengesFor(reader, open);
  const policies =
    listeners.length === 0
      ? undefined
      : gatewayPoliciesOf(
          reader,
          caller,
          gateway,
          listeners.map(each => each.gateway),
        );
  return {
    resource: {
      ...{ kind: 'gateway', key, listeners: bound },
      ...(challenges.length > 0 && { challenges }),
      ...(policies && { policies }),
      ...(why !== undefined && { why }),
    },
    facts: reader.facts,
  };
}

/** Of the certificates that its listeners have from issuers: whoever serves one of them may be asked. */
function challengesFor(reader: MeshReader, open: readonly ServedListener[]): readonly ServedChallenge[] {
  const issued = open.flatMap(({ listener }) => listener.tls?.issued ?? []);
  const namespaces = new Set(issued.map(each => each.secret.namespace));
  return [...namespaces].flatMap(each =>
    reader.policies('servedChallenges', each).flatMap(({ challenges }) => challenges),
  );
}

/** Of listeners for one host, with it: thousands of them are the very same in one version of the mesh after the other. */
const bounds = new WeakMap<ServedListener, BoundListener>();

function boundListener(reader: MeshReader, caller: Caller, served: ServedListener): BoundListener {
  const { listener, of } = served;
  const { name, port, addresses, protocol, hostname, tls, options } = listener;
  const place = { gateway: served.served, port, listener: listenerId(listener) };
  const carriesRequests = protocol === 'http' || protocol === 'https';
  const hosts = carriesRequests ? hostsAt(reader, served) : [];
  // Nothing of it stands anywhere else but in the listener, which is joined for callers of one kind.
  const isWhole =
    hosts.length === 1 && hosts[0] === hostname && served.gateway === served.root && !tls?.clients;
  const known = isWhole ? bounds.get(served) : undefined;
  if (known !== undefined) return known;
  const bound: BoundListener = {
    name: `${of}/${name}`,
    port,
    ...(addresses && { addresses }),
    protocol,
    ...(hostname !== undefined && { hostname }),
    ...(tls && { tls: boundTls(reader, caller, served, tls) }),
    ...(options && { options }),
    hosts: hosts.map(host => ({ host, destination: virtualHostKey({ ...place, host }) })),
    ...(!carriesRequests && { destination: virtualHostKey({ ...place, host: '*' }) }),
  };
  if (isWhole) bounds.set(served, bound);
  return bound;
}

/** The host patterns that a listener has routes for, each once, the most specific first. */
function hostsAt(reader: MeshReader, served: ServedListener): readonly string[] {
  const { hostname } = served.listener;
  const routes = candidates(reader.policies('gatewayHosts', served.of), hostname);
  // The only one that it may have: of thousands of listeners most are for one host.
  if (hostname !== undefined && !hostname.startsWith('*'))
    return routes.some(each => hostAt(reader, served, each) !== undefined) ? [hostname] : [];
  const hosts = new Set<string>();
  for (const route of routes) {
    const at = hostAt(reader, served, route);
    if (at !== undefined) hosts.add(at);
  }
  return [...hosts].sort(bySpecificity);
}

function boundTls(
  reader: MeshReader,
  caller: Caller,
  { served, gateway, root }: ServedListener,
  { certificates, files, issued: _, clients, ...tls }: ListenerTls,
): BoundTls {
  const pem = (named: CredentialRef): string => {
    const ref = placed(named, caller, root);
    const grants = reader.policies('credentialGrants', ref.namespace);
    const data = reader.policies('credentials', credentialKey(ref))[0]?.data;
    const found = data?.['ca.crt'] ?? data?.cacert ?? data?.['tls.ca'];
    // What clients must show is the gateway's word, also at listeners of its ListenerSets.
    return mayName(root, ref, grants) ? (found ?? '') : '';
  };
  return {
    ...tls,
    // A ListenerSet has nothing of what its gateway alone may name.
    certificates: [
      ...certificates
        .map(ref => placed(ref, caller, gateway))
        .filter(
          ref =>
            gateway === root || mayName(gateway, ref, reader.policies('credentialGrants', ref.namespace)),
        )
        .map(ref => certificateKey(served, ref)),
      ...(files === undefined ? [] : [fileCertificateKey(files)]),
    ],
    ...(clients && {
      clients: {
        mode: clients.mode,
        authorities: clients.authorities.map(pem).filter(Boolean).join('\n'),
        ...(clients.authoritiesFile !== undefined && { authoritiesFile: clients.authoritiesFile }),
      },
    }),
  };
}

/** A certificate with its key, for a proxy of a gateway that names it. */
export function resolveCertificate(mesh: Mesh, caller: Caller, key: string): Resolved<CertificateResource> {
  const reader = new MeshReader(mesh);
  const parsed = parseCertificateKey(key);
  const none = (why: string): Resolved<CertificateResource> => ({
    resource: { kind: 'certificate', key, chain: '', privateKey: '', why },
    facts: reader.facts,
  });
  if (parsed === undefined) return none(`'${key}' names no certificate`);
  const { gateway: of, ref, credential } = parsed;
  const naming = of === undefined ? [] : namingOf(reader, caller, of, credential);
  if (naming.length === 0 && !isNamedForUpstreams(reader, caller, parsed))
    return none(
      of === undefined
        ? `no DestinationRule of namespace ${caller.namespace} names ${credential} for this workload`
        : `gateway ${of}, as far as a proxy of namespace ${caller.namespace} serves it, does not name ${credential}`,
    );
  const grants = reader.policies('credentialGrants', ref.namespace);
  if (naming.length > 0 && !naming.some(({ gateway }) => mayName(gateway, ref, grants)))
    return none(`no ReferenceGrant in ${ref.namespace} lets Gateways of other namespaces name ${credential}`);
  const { data, failure } = reader.policies('credentials', credential)[0] ?? {};
  if (data === undefined) return none(`${credential} does not exist`);
  const [chain, privateKey] = [data['tls.crt'] ?? data.cert ?? '', data['tls.key'] ?? data.key ?? ''];
  if (chain === '' || privateKey === '')
    return none(
      failure === undefined
        ? `${credential} has no ${chain === '' ? 'tls.crt' : 'tls.key'}`
        : `${credential} waits for its certificate: ${failure}`,
    );
  return { resource: { kind: 'certificate', key, chain, privateKey }, facts: reader.facts };
}
