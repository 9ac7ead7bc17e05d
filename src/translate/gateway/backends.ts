import type { RouteTarget } from '../../model/index.ts';
import type { TranslateContext } from '../dialect.ts';
import type { Fields } from '../fields.ts';
import { nowhere } from '../nowhere.ts';
import type { Report } from '../report.ts';
import { required } from './matches.ts';

/** What translations of one route share. */
export interface RouteContext extends Pick<TranslateContext, 'clusterDomain'> {
  readonly report: Report;
  /** The route's own. */
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where a reference to a backend leads. */
export interface BackendRef {
  readonly target: RouteTarget;
  /** The Service, where it is of another namespace than the route. */
  readonly foreign?: { readonly namespace: string; readonly name: string };
}

/**
 * A BackendObjectReference: a Service, or as Istio has it a host of the mesh (kind Hostname). What is neither gets its share, and
 * that leads nowhere. Undefined for what is unreadable.
 */
export function readBackendRef(
  fields: Fields,
  weight: number,
  context: RouteContext,
): BackendRef | undefined {
  const { report, namespace: own, clusterDomain } = context;
  const group = fields.text('group') ?? '';
  const kind = fields.text('kind') ?? 'Service';
  const name = required(fields, 'name', report);
  const namespace = fields.text('namespace') || own;
  const port = fields.port('port');
  const isService = kind === 'Service' && (group === '' || group === 'core');
  const isHostname = kind === 'Hostname' && group === 'networking.istio.io';
  if (name === '') return undefined;
  if (!isService && !isHostname) {
    const named = group === '' ? kind : `${kind}.${group}`;
    const message = `${fields.path}: requests cannot be sent to a ${named}, so that its share is refused; name a Service`;
    report.warn('reference-kind-invalid', fields.path, message);
    // Only Services must have a port.
    const target = { host: `${name}.${namespace}.svc.${clusterDomain}`, port: port ?? 80, weight };
    return { target: nowhere(target, name.toLowerCase(), namespace, 'not-supported') };
  }
  if (!fields.has('port'))
    report.error(
      'field-invalid',
      fields.at('port'),
      `${fields.at('port')} is missing; name the port of ${name}`,
    );
  if (port === undefined) return undefined;
  if (isHostname) return { target: { host: name.toLowerCase(), port, weight } };
  const target: RouteTarget = { host: `${name}.${namespace}.svc.${clusterDomain}`, port, weight };
  return { target, ...(namespace !== own && { foreign: { namespace, name } }) };
}
