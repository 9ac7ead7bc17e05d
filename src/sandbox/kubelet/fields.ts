import { availableParallelism, totalmem } from 'node:os';
import { parseQuantity } from '../../model/index.ts';
import type { Container, Pod } from '../kube/index.ts';

/** Addresses that pod fields name, known once the pod is connected. */
export interface PodAddresses {
  readonly podIp: string;
  readonly hostIp: string;
}

/** The text of a pod field as the downward API names it (pure); undefined for a field that it does not offer. */
export function fieldOf(pod: Pod, path: string, addresses: PodAddresses): string | undefined {
  const entry = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (entry) return pod.metadata[entry[1] as 'labels' | 'annotations']?.[entry[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? 'default';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return pairs(pod.metadata.labels);
    case 'metadata.annotations':
      return pairs(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? 'default';
    case 'status.podIP':
    case 'status.podIPs':
      return addresses.podIp;
    case 'status.hostIP':
    case 'status.hostIPs':
      return addresses.hostIp;
    default:
      return undefined;
  }
}

function pairs(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
    .join('');
}

/** The text of a container resource (`limits.cpu`), in units of `divisor`; without a limit what the machine has. */
export function resourceOf(
  container: Container,
  resource: string,
  divisor: string | number = 1,
): string | undefined {
  const [list, name] = resource.split('.') as [string, string | undefined];
  if (!name || (list !== 'limits' && list !== 'requests')) return undefined;
  const own = container.resources?.[list]?.[name] ?? container.resources?.limits?.[name];
  const machine = name === 'cpu' ? availableParallelism() : name === 'memory' ? totalmem() : 0;
  const fallback = list === 'limits' ? machine : 0;
  const amount = own === undefined ? fallback : parseQuantity(own);
  const unit = parseQuantity(divisor) || 1;
  return amount === undefined ? undefined : String(Math.ceil(amount / unit));
}
