import {
  type CredentialRef,
  credentialKey,
  type Gateway,
  isOurs,
  type JoinedListener,
  joinedListeners,
  type Mesh,
  mayName,
  type Problem,
  problem,
} from '../../model/index.ts';

/** What is wrong with our gateways: what their objects say, listeners in conflict, certificates that are not there. */
export function* gatewayProblems(mesh: Mesh): Iterable<Problem> {
  for (const gateways of mesh.gateways.values()) {
    const ours = gateways.filter(each => isOurGateway(each, mesh));
    for (const { problems = [] } of ours) yield* problems;
    for (const joined of joinedListeners(ours)) {
      yield* conflictOf(joined);
      yield* credentialProblems(joined, mesh);
    }
  }
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

/** Why nothing can be had of the reference; undefined where it can. `keys`: those that must be there. */
export function whyNoCredential(
  gateway: Gateway,
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
      why: `no ReferenceGrant in ${ref.namespace} lets Gateways of ${gateway.namespace} name ${name}; add one there`,
    };
  const found = credentials.get(credentialKey(ref))?.[0];
  if (found === undefined) return { code: 'credential-missing', why: `there is no ${name}` };
  const bad = keys.find(key => !hasPem(found.data[key] ?? ''));
  if (bad === undefined) return undefined;
  const what = found.data[bad] === undefined ? `has no ${bad}` : `has no PEM under ${bad}`;
  return { code: 'credential-invalid', why: `${name} ${what}` };
}

/** Whether the text holds a block of PEM (RFC 7468). Whether a key fits its certificate, proxies find out. */
function hasPem(text: string): boolean {
  const [, label, body = ''] =
    /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/.exec(text) ?? [];
  return label !== undefined && body.trim().length > 0;
}

function* credentialProblems({ listener, gateway }: JoinedListener, mesh: Mesh): Iterable<Problem> {
  const { tls, path } = listener;
  if (tls?.mode !== 'terminate') return;
  const at = { object: gateway.from, path: `${path}.tls`, severity: 'warning' } as const;
  if (tls.certificates.length === 0)
    yield problem('credential-missing', `${path}.tls names no certificate, so that nobody can connect`, at);
  const refs = [
    ...tls.certificates.map(ref => ({ ref, keys: ['tls.crt', 'tls.key'] })),
    ...(tls.clients?.authorities ?? []).map(ref => ({ ref, keys: ['ca.crt'] })),
  ];
  for (const { ref, keys } of refs) {
    const wrong = whyNoCredential(gateway, ref, keys, mesh);
    if (wrong === undefined) continue;
    const outcome =
      keys.length > 1 ? 'who asks for its names cannot connect' : 'no certificate of clients is good';
    yield problem(wrong.code, `${path}.tls: ${wrong.why}; ${outcome}`, at);
  }
}
