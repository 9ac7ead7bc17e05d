import {
  type AttachedKind,
  type Gateway,
  type GatewayListener,
  type ListenerProtocol,
  ROUTE_RANKS,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { gatewayTables } from '../gateway-tables.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { readServerTls } from './server-tls.ts';

/** networking.istio.io Gateway, v1alpha3, v1beta1 and v1: listeners of the gateway's pods that its selector chooses. */
export const istioGatewayTranslator: KindTranslator = {
  kind: 'Gateway.networking.istio.io',
  translate: translateGateway,
};

/** What Gateway.name is of Istio's: no other gateway is called like this. */
export function istioGatewayName(name: string): string {
  return `istio-gateway:${name}`;
}

function translateGateway(object: KubeObject, _context: TranslateContext, report: Report): readonly Part[] {
  const { name, namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const selector = spec.strings('selector') ?? {};
  const servers = spec.objects('servers').map((each, index) => readServer(each, index, report));
  spec.rest();
  const own = istioGatewayName(name);
  const gateway: Gateway = {
    ...{ namespace, name: own, from: report.object },
    listeners: servers.flatMap(each => each.listeners),
  };
  const key = `${namespace}/${own}`;
  const redirects = servers.flatMap(({ redirected }) =>
    redirected.flatMap(section => redirectOf(key, section, namespace, report, createdAt)),
  );
  return [
    { kind: 'policy', of: 'gateways', policy: gateway, createdAt },
    {
      kind: 'policy',
      of: 'selectedGateways',
      policy: { gateway: key, selector, from: report.object },
      createdAt,
    },
    ...redirects,
  ];
}

/** The only route of a server with httpsRedirect; it takes none of the others. */
const redirectKind: AttachedKind = 'grpc';

function redirectOf(
  gateway: string,
  section: string,
  namespace: string,
  report: Report,
  createdAt: string,
): readonly Part[] {
  const action = { kind: 'redirect', status: 301, scheme: 'https', port: 443 } as const;
  const rule = { name: 'https-redirect', path: 'spec.servers', matches: [], action };
  return gatewayTables({
    attachment: { gateway, section, kind: redirectKind },
    ...{ hosts: [], namespace },
    table: {
      ...{ http: [rule], tcp: [], combine: 'oldest-first', unmatched: 'not-found' },
      ...{ rank: ROUTE_RANKS.istio, from: report.object, createdAt },
    },
  });
}

interface ReadServer {
  readonly listeners: readonly GatewayListener[];
  /** Names of those that only redirect. */
  readonly redirected: readonly string[];
}

const protocols: Readonly<Record<string, ListenerProtocol>> = {
  HTTP: 'http',
  HTTP2: 'http',
  GRPC: 'http',
  'GRPC-WEB': 'http',
  HTTPS: 'https',
  TLS: 'tls',
  TCP: 'tcp',
  MONGO: 'tcp',
};

/** A listener for each of its hosts. What cannot be is named, and costs the other servers nothing. */
function readServer(server: Fields, index: number, report: Report): ReadServer {
  const none: ReadServer = { listeners: [], redirected: [] };
  const fail = (field: string, message: string): ReadServer => {
    report.fail(
      'listener-invalid',
      server.at(field),
      `${server.at(field)}${message}; the server is not opened`,
    );
    return none;
  };
  const port = server.object('port');
  const number = port?.port('number');
  const written = port?.text('protocol')?.toUpperCase() ?? '';
  const portName = port?.text('name');
  port?.unsupported('targetPort', 'it has no effect');
  port?.rest();
  const hosts = server.texts('hosts');
  const bind = server.text('bind') || undefined;
  const called = server.text('name') || portName || `server-${index}`;
  server.unsupported('defaultEndpoint', 'it has no effect');
  const tlsFields = server.object('tls');
  const read = tlsFields && readServerTls(tlsFields);
  server.rest();
  if (number === undefined) return fail('port', '.number is missing');
  if (hosts.length === 0) return fail('hosts', ' is empty; name hosts, or "*" for all');
  const known = protocols[written];
  if (known === undefined)
    return fail('port', `.protocol: '${written}' is none of ${Object.keys(protocols).join(', ')}`);
  if (read !== undefined && 'why' in read) return fail('tls', read.why);
  const isTls = known === 'https' || known === 'tls';
  const tls = isTls ? read?.tls : undefined;
  if (isTls && tls === undefined) return fail('tls', ' is missing; write its mode and credentialName');
  const protocol = known === 'https' && tls?.mode === 'passthrough' ? 'tls' : known;
  const redirects = !isTls && read?.redirects === true;
  const listeners = hosts.flatMap((host, at): readonly GatewayListener[] => {
    const whose = readHost(host);
    if (whose === undefined) {
      const path = `${server.at('hosts')}[${at}]`;
      report.fail(
        'listener-invalid',
        path,
        `${path}: '${host}' is no host; write www.example.com, *.example.com, or NAMESPACE/HOST`,
      );
      return [];
    }
    return [
      {
        name: `${index}-${called}-${at}`,
        ...{ port: number, protocol, path: server.path },
        ...given({ hostname: whose.hostname, tls, addresses: bind === undefined ? undefined : [bind] }),
        allowed: { namespaces: whose.namespaces, ...(redirects && { kinds: [redirectKind] }) },
      },
    ];
  });
  return { listeners, redirected: redirects ? listeners.map(each => each.name) : [] };
}

/** `HOST` or `NAMESPACE/HOST`, where the namespace may be `*` for all, and `.` for the Gateway's own. */
function readHost(text: string):
  | {
      readonly hostname: string | undefined;
      readonly namespaces: NonNullable<GatewayListener['allowed']>['namespaces'];
    }
  | undefined {
  const [, scope = '*', host = ''] = /^(?:([^/]+)\/)?([^/]+)$/.exec(text.toLowerCase()) ?? [];
  if (!/^(\*|(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/.test(host)) return undefined;
  const hostname = host === '*' ? undefined : host;
  if (scope === '*') return { hostname, namespaces: 'all' };
  if (scope === '.') return { hostname, namespaces: 'same' };
  const named = { key: 'kubernetes.io/metadata.name', operator: 'In', values: [scope] } as const;
  return { hostname, namespaces: { matchExpressions: [named] } };
}
