import type { HashSource, TrafficPolicy } from '../../model/index.ts';
import { given } from '../given.ts';
import type { Annotations } from './annotations.ts';
import { readBackendTls } from './backend-tls.ts';
import { INGRESS_DEFAULTS, type IngressDefaults } from './ingress-model.ts';

/** What is said of the backends of an Ingress, at this edge. */
export function readTraffic(
  annotations: Annotations,
  defaults: IngressDefaults,
  namespace: string,
): Omit<Partial<TrafficPolicy>, 'host' | 'from'> {
  const { connectTimeoutMs: otherwise } = defaults;
  const connectTimeoutMs =
    annotations.secondsMs('proxy-connect-timeout') ??
    (otherwise === INGRESS_DEFAULTS.connectTimeoutMs ? undefined : otherwise);
  const protocol = annotations.choice('backend-protocol', [
    'HTTP',
    'HTTPS',
    'GRPC',
    'GRPCS',
    'AUTO_HTTP',
    'FCGI',
  ]);
  if (protocol === 'FCGI')
    annotations.wrong(
      'backend-protocol',
      'FCGI cannot be carried out: put a server of HTTP before the application',
    );
  if (protocol === 'AUTO_HTTP')
    annotations.wrong(
      'backend-protocol',
      'AUTO_HTTP cannot be carried out: say whether the backend has HTTP or HTTPS',
    );
  const load = annotations.choice('load-balance', ['round_robin', 'ewma']);
  const hash = hashOf(annotations);
  const balancer =
    hash !== undefined
      ? ({ kind: 'ring-hash', hash: [hash] } as const)
      : load === undefined
        ? undefined
        : ({ kind: load === 'ewma' ? 'p2c-ewma' : 'round-robin' } as const);
  const isTls = protocol === 'HTTPS' || protocol === 'GRPCS';
  const tls = readBackendTls(annotations, namespace, isTls);
  return {
    ...(isTls && { tls }),
    ...given({
      balancer,
      connectTimeoutMs: connectTimeoutMs === undefined ? undefined : Math.max(1, connectTimeoutMs),
    }),
  };
}

function hashOf(annotations: Annotations): HashSource | undefined {
  const text = annotations.text('upstream-hash-by');
  if (text === undefined) return undefined;
  const [, name] = /^\$\{?([a-z0-9_]+)\}?$/.exec(text) ?? [];
  const [, kind, rest = ''] = /^(http|cookie|arg)_(.+)$/.exec(name ?? '') ?? [];
  if (name === 'remote_addr' || name === 'binary_remote_addr') return { kind: 'source-ip' };
  if (name === 'request_uri') return { kind: 'header', name: ':path' };
  if (name === 'host' || name === 'http_host') return { kind: 'header', name: ':authority' };
  if (kind === 'http') return { kind: 'header', name: rest.replaceAll('_', '-') };
  if (kind === 'cookie') return { kind: 'cookie', name: rest, path: '/' };
  if (kind === 'arg') return { kind: 'query', name: rest };
  return annotations.wrong(
    'upstream-hash-by',
    `'${text}' is not one of $request_uri, $remote_addr, $host, $http_NAME, $cookie_NAME, $arg_NAME`,
  );
}
