// Backends of IngressRoutes and TraefikServices: Services with how they are spoken to, and TraefikServices by name.
import type { BalancerSettings, OriginatedTls, RouteTarget, TrafficPolicy } from '../../model/index.ts';
import type { TranslateContext } from '../dialect.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { IngressSettings, RouteBackend } from '../ingress/ingress-model.ts';
import type { Report } from '../report.ts';

/** Whose backends they are. */
export interface BackendContext {
  readonly namespace: string;
  readonly clusterDomain: TranslateContext['clusterDomain'];
  readonly report: Report;
}

type Session = NonNullable<IngressSettings['session']>;

/** One entry of `services`, of `mirrors`, or what a TraefikService mirrors. */
export function readRouteBackend(fields: Fields, context: BackendContext): RouteBackend | undefined {
  const { namespace, clusterDomain, report } = context;
  const kind = fields.choice('kind', ['Service', 'TraefikService']) ?? 'Service';
  const name = fields.text('name');
  const own = fields.text('namespace') || namespace;
  const weight = fields.number('weight') ?? 1;
  const session = readSticky(fields.object('sticky'), report);
  if (name === undefined || name === '') {
    report.error('field-invalid', fields.at('name'), `${fields.at('name')} is missing`);
    return undefined;
  }
  const at = fields.path;
  if (kind === 'TraefikService') {
    if (name.includes('@'))
      return refuse(fields, 'name', `'${name}' is of another provider; name a TraefikService`, report);
    return {
      target: { host: '', weight },
      service: `${own}/${name}`,
      namespace: own,
      traffic: {},
      at,
      ...given({ session }),
    };
  }
  const { port, portName } = readPort(fields, report);
  const traffic = readTraffic(fields, report);
  const host = `${name}.${own}.svc.${clusterDomain}`;
  const target: RouteTarget = {
    ...{ host, weight, ...given({ port, portName }) },
    ...(fields.flag('passHostHeader') === false && { authority: host }),
  };
  return { target, namespace: own, traffic, at, ...given({ session }) };
}

function readPort(fields: Fields, report: Report): Pick<RouteTarget, 'port' | 'portName'> {
  if (!fields.isText('port')) {
    const port = fields.port('port');
    // Traefik takes a Service without one, where it has but one port.
    return given({ port });
  }
  const text = fields.text('port') ?? '';
  if (/^\d+$/.test(text)) {
    const port = Number(text);
    if (port >= 1 && port <= 65_535) return { port };
    refuse(fields, 'port', `'${text}' is no port`, report);
    return {};
  }
  return given({ portName: text || undefined });
}

const balancers: Readonly<Record<string, BalancerSettings>> = {
  wrr: { kind: 'round-robin' },
  roundrobin: { kind: 'round-robin' },
  p2c: { kind: 'p2c-ewma' },
  leasttime: { kind: 'p2c-ewma' },
  hrw: { kind: 'maglev', hash: [{ kind: 'source-ip' }] },
};

function readTraffic(fields: Fields, report: Report): Omit<Partial<TrafficPolicy>, 'host' | 'from'> {
  const scheme = fields.choice('scheme', ['http', 'https', 'h2c']);
  const strategy = fields.text('strategy');
  const balancer = strategy === undefined ? undefined : balancers[strategy.toLowerCase()];
  if (strategy !== undefined && balancer === undefined)
    refuse(fields, 'strategy', `'${strategy}' is none of wrr, p2c, hrw, leasttime`, report);
  if (fields.has('serversTransport'))
    refuse(
      fields,
      'serversTransport',
      'cannot be carried out: ServersTransports are not read; write a BackendTLSPolicy (gateway.networking.k8s.io)',
      report,
    );
  fields.pass('serversTransport');
  for (const each of ['healthCheck', 'passiveHealthCheck'])
    if (fields.has(each))
      fields.unsupported(
        each,
        'pods are asked by their probes, and endpoints that fail are ejected; a DestinationRule says when',
      );
  for (const each of ['responseForwarding', 'nativeLB', 'nodePortLB', 'middlewares']) fields.pass(each);
  const tls: OriginatedTls = { mode: 'simple' };
  return {
    ...given({ balancer }),
    ...(scheme === 'https' && { tls }),
    ...(scheme === 'h2c' && { http2: { priorKnowledge: true } }),
  };
}

/** sticky.cookie. */
export function readSticky(sticky: Fields | undefined, report: Report): Session | undefined {
  const cookie = sticky?.object('cookie');
  sticky?.rest();
  if (cookie === undefined) return undefined;
  const name = cookie.text('name') || '_weft';
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    refuse(cookie, 'name', `'${name}' is no name of a cookie`, report);
  const written = cookie.text('sameSite');
  const sameSite = (['None', 'Lax', 'Strict'] as const).find(
    each => each.toLowerCase() === written?.toLowerCase(),
  );
  if (written !== undefined && written !== '' && sameSite === undefined)
    refuse(cookie, 'sameSite', `'${written}' is none of none, lax, strict`, report);
  const session: Session = {
    cookie: name,
    ttlSeconds: cookie.number('maxAge') ?? 0,
    path: cookie.text('path') || '/',
    ...given({ secure: cookie.flag('secure'), domain: cookie.text('domain') || undefined, sameSite }),
  };
  cookie.pass('httpOnly');
  cookie.rest();
  return session;
}

function refuse(fields: Fields, name: string, why: string, report: Report): undefined {
  report.error('field-invalid', fields.at(name), `${fields.at(name)} ${why}`);
  return undefined;
}
