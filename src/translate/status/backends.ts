import { type Mesh, mirrorsOf, type RouteTable, type RouteTarget } from '../../model/index.ts';
import { isNowhere } from '../nowhere.ts';

/** What is wrong with one target of a rule. */
export interface MissingBackend {
  readonly path: string;
  readonly message: string;
}

/** Targets and mirrors of the table whose Service, or whose port, is not there. */
export function missingBackends(table: RouteTable, mesh: Mesh): readonly MissingBackend[] {
  const streams = table.tcp.flatMap(({ path, targets }) =>
    targets.flatMap(target => {
      const why = whyMissing(target, mesh, table.attachment?.kind === 'udp');
      return why === undefined ? [] : [{ path, message: `${path}: ${why}` }];
    }),
  );
  const requests = table.http.flatMap(rule => {
    const { path, action } = rule;
    const targets = action.kind === 'forward' ? action.targets : [];
    return [...targets, ...mirrorsOf(rule).map(each => each.target)].flatMap(target => {
      const why = whyMissing(target, mesh);
      return why === undefined ? [] : [{ path, message: `${path}: ${why}` }];
    });
  });
  return [...streams, ...requests];
}

/** Why there is no such port of a Service; undefined where there is, or where nobody can tell. */
export function whyMissing(
  target: Pick<RouteTarget, 'host' | 'port'>,
  { services, serviceByHost, externalsByHost, clusterDomain }: Mesh,
  isUdp = false,
): string | undefined {
  const { host, port } = target;
  const suffix = `.svc.${clusterDomain}`;
  if (isNowhere(target) || !host.endsWith(suffix) || externalsByHost.has(host)) return undefined;
  const service = services.get(serviceByHost.get(host) ?? '');
  if (!service) return `there is no Service ${host.slice(0, -suffix.length)}`;
  if (port === undefined || service.externalName !== undefined) return undefined;
  const known = isUdp ? (service.datagrams?.ports ?? []) : service.ports;
  if (known.some(each => each.number === port)) return undefined;
  const ports = known.map(each => each.number).join(', ') || 'none';
  return `Service ${host.slice(0, -suffix.length)} has no ${isUdp ? 'UDP ' : ''}port ${port} (it has ${ports})`;
}
