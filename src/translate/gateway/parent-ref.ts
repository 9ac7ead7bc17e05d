import type { Fields } from '../fields.ts';

/** Gateway API's own group, which references without a group mean. */
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** Of what is not standard yet. */
export const EXPERIMENTAL_GROUP = 'gateway.networking.x-k8s.io';

/** One of spec.parentRefs, with its defaults filled in. */
export interface ParentRef {
  readonly path: string;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly port?: number;
  readonly sectionName?: string;
}

/** All of them, in order; `name` is '' where it is missing. `namespace`: the route's. */
export function readParentRefs(spec: Fields, namespace: string): readonly ParentRef[] {
  return spec.objects('parentRefs').map(fields => {
    const group = fields.text('group') ?? GATEWAY_GROUP;
    const kind = fields.text('kind') ?? 'Gateway';
    const name = fields.text('name') ?? '';
    const given = fields.text('namespace') ?? '';
    const port = fields.port('port');
    const sectionName = fields.text('sectionName');
    fields.rest();
    return {
      path: fields.path,
      group,
      kind,
      namespace: given === '' ? namespace : given,
      name,
      ...(port !== undefined && { port }),
      ...(sectionName !== undefined && sectionName !== '' && { sectionName }),
    };
  });
}

/**
 * The host of the Service that the parent is; undefined for every other kind. `core` is how GAMMA's first examples wrote the
 * group.
 */
export function serviceOf(
  { group, kind, name, namespace }: ParentRef,
  clusterDomain: string,
): string | undefined {
  if (kind !== 'Service' || (group !== '' && group !== 'core')) return undefined;
  return `${name}.${namespace}.svc.${clusterDomain}`;
}
