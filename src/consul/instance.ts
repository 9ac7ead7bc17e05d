import { fieldAt, recordsOf, stringsOf } from '../plain/index.ts';

/** An instance of a service, as `/v1/health/service/NAME` has it. */
export interface Instance {
  /** An address or a name: the service's own, otherwise its node's. */
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** `connect-proxy` and so on; '' for a service as such. */
  readonly kind: string;
}

/** Throws where the answer is no list. Instances without a port are none that could be called. */
export function instancesOf(body: unknown): readonly Instance[] {
  if (!Array.isArray(body)) throw new Error('the answer is no list');
  return recordsOf(body).flatMap((entry): Instance[] => {
    const host = fieldAt(entry, 'Service', 'Address') || fieldAt(entry, 'Node', 'Address');
    const port = fieldAt(entry, 'Service', 'Port');
    if (typeof host !== 'string' || host === '' || typeof port !== 'number' || port < 1 || port > 65_535)
      return [];
    const tags = fieldAt(entry, 'Service', 'Tags');
    const kind = fieldAt(entry, 'Service', 'Kind');
    return [
      {
        ...{ host, port, weight: weightOf(entry) },
        tags: Array.isArray(tags) ? tags.filter(each => typeof each === 'string') : [],
        meta: stringsOf(fieldAt(entry, 'Service', 'Meta')),
        kind: typeof kind === 'string' ? kind : '',
      },
    ];
  });
}

/** Consul's weights are for two states; instances that only warn have their own. */
function weightOf(entry: Readonly<Record<string, unknown>>): number {
  const statuses = recordsOf(entry.Checks).map(each => each.Status);
  const state = statuses.some(each => each !== 'passing') ? 'Warning' : 'Passing';
  const weight = fieldAt(entry, 'Service', 'Weights', state);
  return typeof weight === 'number' && weight >= 1 ? Math.min(weight, 1_000) : 1;
}
