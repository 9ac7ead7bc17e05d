import type { BalancerSettings, OriginatedTls, TrafficPolicy } from '../../model/index.ts';
import { given } from '../given.ts';
import type { HaproxyAnnotations } from './annotations.ts';
import { type HaproxyContext, secretOf } from './context.ts';

/** What is said of the backend of a path, at this edge. */
export function readHaproxyTraffic(
  annotations: HaproxyAnnotations,
  context: HaproxyContext,
): Omit<Partial<TrafficPolicy>, 'host' | 'from'> {
  const isTls = annotations.flag('server-ssl') === true;
  const isHttp2 = annotations.choice('server-proto', ['h2']) !== undefined;
  const connectTimeoutMs = annotations.timeMs('timeout-connect');
  const tls = tlsOf(annotations, context);
  return {
    ...(isTls && { tls }),
    // HAProxy ignores server-proto where TLS is spoken: ALPN decides.
    ...(isHttp2 && !isTls && { http2: { priorKnowledge: true } }),
    ...given({
      balancer: balancerOf(annotations),
      connectTimeoutMs: connectTimeoutMs === undefined ? undefined : Math.max(1, connectTimeoutMs),
    }),
  };
}

const plain: Readonly<Record<string, BalancerSettings['kind']>> = {
  roundrobin: 'round-robin',
  'static-rr': 'round-robin',
  leastconn: 'least-request',
  // HAProxy draws two and takes the less loaded.
  random: 'least-request',
};

function balancerOf(annotations: HaproxyAnnotations): BalancerSettings | undefined {
  const text = annotations.text('load-balance');
  if (text === undefined) return undefined;
  const [word = '', argument] = text.split(/\s+/);
  const name = /^[a-z-]+/.exec(word)?.[0] ?? '';
  const kind = plain[name];
  if (kind !== undefined) return { kind };
  if (name === 'source') return { kind: 'ring-hash', hash: [{ kind: 'source-ip' }] };
  if (name === 'uri') return { kind: 'ring-hash', hash: [{ kind: 'header', name: ':path' }] };
  const parameter = /^url_param(?:\(([^)]+)\))?$/.exec(word);
  if (parameter !== null && (parameter[1] ?? argument) !== undefined)
    return { kind: 'ring-hash', hash: [{ kind: 'query', name: (parameter[1] ?? argument)! }] };
  const [, header] = /^hdr\(([A-Za-z0-9_-]+)\)$/.exec(word) ?? [];
  if (header !== undefined)
    return { kind: 'ring-hash', hash: [{ kind: 'header', name: headerOf(header.toLowerCase()) }] };
  return annotations.wrong(
    'load-balance',
    `'${text}' is none of roundrobin, static-rr, leastconn, random, source, uri, url_param NAME, hdr(NAME)`,
  );
}

function headerOf(name: string): string {
  return name === 'host' ? ':authority' : name;
}

/** HAProxy verifies nobody without authorities, and with them no name. */
function tlsOf(annotations: HaproxyAnnotations, { namespace }: HaproxyContext): OriginatedTls {
  const authorities = secretOf(annotations, 'server-ca', namespace);
  const shown = secretOf(annotations, 'server-crt', namespace);
  if (authorities !== undefined && shown !== undefined && authorities !== shown)
    annotations.wrong(
      'server-crt',
      `'${shown}' is another Secret than that of server-ca; put tls.crt, tls.key and ca.crt into one Secret`,
    );
  const secret = authorities ?? shown;
  return {
    mode: 'simple',
    ...(authorities === undefined ? { insecureSkipVerify: true } : { anyName: true }),
    ...given({
      credential: secret === undefined ? undefined : ({ kind: 'Secret', namespace, name: secret } as const),
    }),
  };
}
