// Who calls and who is called, as --from and --to have it, held against the labels of what proxies counted.
import { WeftError } from '../../errors/index.ts';
import type { Growth } from './scrape.ts';

/** An end of a request as somebody names it. */
export interface NamedEnd {
  /** `workload`, `service`, or every workload of a `namespace`. */
  readonly kind: 'workload' | 'service' | 'namespace';
  /** '' for any. */
  readonly namespace: string;
  /** Of a namespace ''. */
  readonly name: string;
}

const kinds: Readonly<Record<string, NamedEnd['kind']>> = {
  ...{ deploy: 'workload', deployment: 'workload', sts: 'workload', statefulset: 'workload' },
  ...{ ds: 'workload', daemonset: 'workload', job: 'workload', cj: 'workload', cronjob: 'workload' },
  ...{ svc: 'service', service: 'service', ns: 'namespace', namespace: 'namespace' },
};

/**
 * `cart`, `shop/cart`, `deploy/cart`, `svc/cart`, `shop/svc/cart` or `ns/shop`. `namespace`: of one that names none. Throws a
 * WeftError `end-unreadable`.
 */
export function readEnd(flag: '--from' | '--to', text: string, namespace = ''): NamedEnd {
  const parts = text.split('/');
  const name = parts.pop()!;
  const word = parts.at(-1) ?? '';
  const kind = kinds[word];
  if (kind !== undefined) parts.pop();
  const where = parts.pop();
  const isNamespace = kind === 'namespace';
  const bad = name === '' || where === '' || parts.length > 0 || (isNamespace && where !== undefined);
  if (bad || (flag === '--from' && kind === 'service'))
    throw new WeftError(
      'end-unreadable',
      `${flag} ${text} names no ${flag === '--from' ? 'callers; write' : 'callees; write svc/NAME,'} deploy/NAME, a workload's NAME, NAMESPACE/NAME or ns/NAMESPACE`,
      { source: 'config' },
    );
  if (isNamespace) return { kind, namespace: name, name: '' };
  return { kind: kind ?? 'workload', namespace: where ?? namespace, name };
}

/** Whether what was counted came from this end. */
export function isFrom({ namespace, name }: NamedEnd, labels: Growth['labels']): boolean {
  return (
    (namespace === '' || labels.source_workload_namespace === namespace) &&
    (name === '' || labels.source_workload === name)
  );
}

/** Whether it went to this end. */
export function isTo({ kind, namespace, name }: NamedEnd, labels: Growth['labels']): boolean {
  if (kind === 'service')
    return (
      labels.destination_service_name === name &&
      (namespace === '' || labels.destination_service_namespace === namespace)
    );
  return (
    (namespace === '' || labels.destination_workload_namespace === namespace) &&
    (name === '' || labels.destination_workload === name)
  );
}
