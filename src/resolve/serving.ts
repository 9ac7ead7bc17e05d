import { objectKey, type Service, type ServicePort, type Workload } from '../model/index.ts';
import type { MeshReader } from './mesh-reader.ts';

/**
 * Services that the workload may stand behind, in order of key: those that have one of its addresses among their endpoints, and
 * those that select its labels. The second is known as soon as the pod is, also while no EndpointSlice names it yet: it can be
 * reached by its address from then on.
 */
export function servicesBehind(reader: MeshReader, workload: Workload): readonly Service[] {
  const found = new Map<string, Service>();
  const named = workload.addresses.flatMap(each => reader.servicesByEndpoint(each, workload.network));
  for (const each of [...named, ...reader.servicesBySelector(workload)]) found.set(objectKey(each), each);
  return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, service]) => service);
}

/** The workload's port that a Service which selects it sends this one's traffic to; undefined where it has none of that name. */
export function selectedTarget(
  { number, target = number }: ServicePort,
  { ports }: Workload,
): number | undefined {
  return typeof target === 'number' ? target : ports.find(({ name }) => name === target)?.number;
}
