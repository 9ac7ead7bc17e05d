// One port of one host that is said to speak two protocols: proxies go by one of them, and nobody chose which.
import { formatRef, type ObjectRef } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import { keyOf, type Stored } from '../registry/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';

/** What somebody says of a port. */
interface Saying {
  readonly object: ObjectRef;
  readonly path: string;
  readonly protocol: string;
  readonly family: Family;
  /** Only callers of its own namespace see it. */
  readonly isPrivate: boolean;
}

type Family = 'http' | 'tls' | 'tcp';

const families: Readonly<Record<string, Family>> = {
  HTTP: 'http',
  HTTP2: 'http',
  GRPC: 'http',
  'GRPC-WEB': 'http',
  TLS: 'tls',
  HTTPS: 'tls',
  TCP: 'tcp',
  MONGO: 'tcp',
  MYSQL: 'tcp',
  REDIS: 'tcp',
};

/** Findings about protocols that contradict each other. A port that leaves its protocol open contradicts nobody. */
export function protocolFindings(context: AnalysisContext): readonly Finding[] {
  const byPort = new Map<string, Saying[]>();
  for (const stored of context.objects) {
    for (const [address, saying] of sayingsOf(stored, context)) {
      const known = byPort.get(address);
      if (known) known.push(saying);
      else byPort.set(address, [saying]);
    }
  }
  return [...byPort].flatMap(([address, sayings]) =>
    sayings.flatMap((saying, index) => {
      const other = sayings.slice(0, index).find(each => contradicts(each, saying));
      if (!other) return [];
      const who = other.object === saying.object ? other.path : formatRef(other.object);
      const reason = `${address} is ${saying.protocol} here and ${other.protocol} in ${who}: proxies go by one of them`;
      return [finding('protocol-conflict', { object: saying.object, path: saying.path, reason })];
    }),
  );
}

function contradicts(one: Saying, two: Saying): boolean {
  if (one.family === two.family) return false;
  return one.object.namespace === two.object.namespace || (!one.isPrivate && !two.isPrivate);
}

function sayingsOf(
  { object, ref }: Stored,
  { mesh }: AnalysisContext,
): readonly (readonly [string, Saying])[] {
  if (object.kind === 'ServiceEntry' && object.apiVersion.startsWith('networking.istio.io/')) {
    const hosts = fieldAt(object, 'spec', 'hosts');
    const exportTo = fieldAt(object, 'spec', 'exportTo');
    const isPrivate = Array.isArray(exportTo) && exportTo.every(each => each === '.');
    return recordsOf(fieldAt(object, 'spec', 'ports')).flatMap(({ number, protocol }, index) => {
      const word = String(protocol).toUpperCase();
      const family = Object.hasOwn(families, word) ? families[word] : undefined;
      if (family === undefined || !Array.isArray(hosts)) return [];
      const saying = {
        object: ref,
        path: `spec.ports[${index}].protocol`,
        protocol: word,
        family,
        isPrivate,
      };
      return hosts.map(host => [`${String(host).toLowerCase()}:${String(number)}`, saying] as const);
    });
  }
  const service = object.kind === 'Service' ? mesh.services.get(keyOf(object.metadata)) : undefined;
  if (!service || object.apiVersion !== 'v1') return [];
  return service.ports.flatMap(({ number, protocol }) => {
    const family = protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web' ? 'http' : protocol;
    if (family === 'auto') return [];
    const saying = {
      object: ref,
      path: 'spec.ports',
      protocol: protocol.toUpperCase(),
      family,
      isPrivate: false,
    };
    return [[`${service.host}:${number}`, saying] as const];
  });
}
