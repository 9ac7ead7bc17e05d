// Hosts of gateways that share a certificate: browsers and other clients of HTTP/2 send requests for all names of a certificate
// on one connection (RFC 9113 section 9.1.1), and that connection belongs to the listener of the first.
import { formatRef, type ObjectRef } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import type { Stored } from '../registry/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

/** A listener that ends TLS. */
interface Listener {
  readonly object: ObjectRef;
  readonly path: string;
  readonly hosts: readonly string[];
}

/** Findings about clients that coalesce their connections. */
export function coalescingFindings(context: AnalysisContext): readonly Finding[] {
  const byCertificate = new Map<string, Listener[]>();
  for (const stored of context.objects)
    for (const [certificate, listener] of listenersOf(stored)) {
      const known = byCertificate.get(certificate) ?? [];
      byCertificate.set(certificate, [...known, listener]);
    }
  return [...byCertificate].flatMap(([certificate, listeners]) =>
    listeners.flatMap((listener, index) => {
      const other = listeners.slice(0, index).find(each => !sameHosts(each, listener));
      if (other === undefined) return [];
      const where = other.object === listener.object ? other.path : formatRef(other.object);
      const reason =
        `${listener.hosts.join(', ')} has the certificate ${certificate.split(' ')[0]} of ${other.hosts.join(', ')} in ${where}: a ` +
        'client may send its requests on a connection to that one, where no rule knows them';
      return [finding('clients-coalesce', { object: listener.object, path: listener.path, reason })];
    }),
  );
}

function sameHosts(one: Listener, two: Listener): boolean {
  return one.hosts.join() === two.hosts.join();
}

const hostsOf = (hosts: unknown): readonly string[] =>
  Array.isArray(hosts) ? hosts.filter(each => typeof each === 'string') : [];

/** By `namespace/secret` and port, since only connections to one address and port are shared. */
function listenersOf({ object, ref }: Stored): readonly (readonly [certificate: string, Listener])[] {
  if (object.kind !== 'Gateway') return [];
  const own = object.metadata.namespace ?? '';
  if (object.apiVersion.startsWith('networking.istio.io/'))
    return recordsOf(fieldAt(object, 'spec', 'servers')).flatMap((server, index) => {
      const secret = fieldAt(server, 'tls', 'credentialName');
      if (typeof secret !== 'string') return [];
      const listener = { object: ref, path: `spec.servers[${index}]`, hosts: hostsOf(server.hosts) };
      return [[`${own}/${secret} ${String(fieldAt(server, 'port', 'number'))}`, listener] as const];
    });
  if (!object.apiVersion.startsWith('gateway.networking.k8s.io/')) return [];
  return recordsOf(fieldAt(object, 'spec', 'listeners')).flatMap((listener, index) => {
    const hosts = [typeof listener.hostname === 'string' ? listener.hostname : '*'];
    return recordsOf(fieldAt(listener, 'tls', 'certificateRefs')).map(
      ({ namespace = own, name }) =>
        [
          `${String(namespace)}/${String(name)} ${String(listener.port)}`,
          { object: ref, path: `spec.listeners[${index}]`, hosts },
        ] as const,
    );
  });
}
