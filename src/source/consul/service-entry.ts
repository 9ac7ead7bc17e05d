import type { Instance } from '../../consul/index.ts';
import { isIpAddress } from '../../model/index.ts';
import { recordOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';

/** The port of a service whose instances have different ones, as where they are scheduled. */
const SHARED_PORT = 80;
const PORT_NAME = 'service';

/** Protocols that a service's meta may name, as Consul's own `protocol` of a service's defaults. */
const protocols = new Set(['http', 'http2', 'grpc', 'tcp', 'tls']);

/**
 * A service as a ServiceEntry of the host `NAME.service.DOMAIN`, so that policies for hosts hold for it. Callers use the port of
 * its instances; where these differ, 80. `meta` and tags of the form `key=value` are labels, for subsets; `meta.protocol` is
 * what the port speaks. Undefined for who has no instance to call; one that had some before has no endpoint then, so that
 * requests are answered 503.
 */
export function serviceEntryOf(
  service: string,
  instances: readonly Instance[],
  { namespace, domain }: { readonly namespace: string; readonly domain: string },
  before?: KubeObject,
): KubeObject | undefined {
  const called = instances.filter(each => each.kind === '');
  if (called.length === 0)
    return before && { ...before, spec: { ...recordOf(before.spec), resolution: 'STATIC', endpoints: [] } };
  const numbers = [...new Set(called.map(each => each.port))];
  const protocol = called.map(each => each.meta.protocol ?? '').find(each => protocols.has(each));
  const number = numbers.length === 1 ? numbers[0]! : SHARED_PORT;
  const named = called.some(each => !isIpAddress(each.host));
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: entryName(service), namespace },
    spec: {
      hosts: [`${service}.service.${domain}`],
      location: 'MESH_INTERNAL',
      resolution: named ? 'DNS' : 'STATIC',
      ports: [
        { number, name: PORT_NAME, ...(protocol !== undefined && { protocol: protocol.toUpperCase() }) },
      ],
      endpoints: called.map(({ host, port, weight, meta, tags }) => ({
        ...{ address: host, ports: { [PORT_NAME]: port }, weight, labels: labelsOf(meta, tags) },
      })),
    },
  };
}

/** Of its ServiceEntry. */
export function entryName(service: string): string {
  return `consul-${service.toLowerCase().replace(/[^a-z0-9-]/g, '-')}`;
}

/** What can be a label in Kubernetes; Consul takes any text. */
function labelsOf(
  meta: Readonly<Record<string, string>>,
  tags: readonly string[],
): Readonly<Record<string, string>> {
  const pairs = tags.flatMap(tag => {
    const [key, value, ...more] = tag.split('=');
    return value === undefined || more.length > 0 ? [] : [[key!, value] as const];
  });
  const labels = [...pairs, ...Object.entries(meta)].filter(
    ([key, value]) => /^[a-z0-9A-Z][\w./-]{0,252}$/.test(key) && /^([\w][\w.-]{0,62})?$/.test(value),
  );
  return Object.fromEntries(labels);
}
