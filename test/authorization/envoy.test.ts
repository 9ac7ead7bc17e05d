// Random policies and requests, decided by Weft and by Envoy's own RBAC filter, which gets an independent translation of the same
// policies: they must agree, but for differences that are named here with their reason. Envoy is on PATH or named by WEFT_ENVOY.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { Authorizer } from '../../src/authorization/index.ts';
import { CertificateAuthority } from '../../src/ca/index.ts';
import { Head } from '../../src/http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../../src/http1/index.ts';
import type { Credentials } from '../../src/identity/index.ts';
import { parseSpiffe } from '../../src/model/index.ts';
import { credentialsOf } from '../../src/proxy/testing/static-mesh.ts';
import { resolveInbound } from '../../src/resolve/index.ts';
import { PathNormalizer, RequestParts } from '../../src/routing/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { noEnvoy, startEnvoy } from './envoy-process.ts';
import { rbacOf, type Spec } from './envoy-rbac.ts';
import { Chance, IDENTITIES, type RandomRequest } from './random-policies.ts';
import { pod, policy } from './rig.ts';

const skip = noEnvoy;

const seed = Number(process.env.WEFT_SEED ?? 20_260_831);
const policies = 250;
const requestsEach = 40;

const ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
const spiffe = (by: string): string => `spiffe://cluster.local/ns/${by.replace('/', '/sa/')}`;
const credentials: ReadonlyMap<string, Credentials> = new Map(
  IDENTITIES.flatMap(by =>
    by === undefined ? [] : [[by, credentialsOf(ca, parseSpiffe(spiffe(by))!)] as const],
  ),
);

/** Envoy with a route for each policy, chosen by the header x-policy, that answers 200 to whom the policy lets pass. */
function configuration(specs: readonly Spec[], port: number, admin: number): object {
  const server = credentialsOf(ca, parseSpiffe(spiffe('shop/cart'))!);
  const routes = specs.map((spec, index) => ({
    match: { prefix: '/', headers: [{ name: 'x-policy', string_match: { exact: String(index) } }] },
    direct_response: { status: 200 },
    typed_per_filter_config: {
      'envoy.filters.http.rbac': {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
        rbac: { rules: rbacOf(spec) },
      },
    },
  }));
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    // As Istio configures it for BASE.
    normalize_path: true,
    merge_slashes: false,
    path_with_escaped_slashes_action: 'KEEP_UNCHANGED',
    use_remote_address: false,
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [
      {
        name: 'envoy.filters.http.rbac',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC' },
      },
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const tls = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: false,
    common_tls_context: {
      tls_certificates: [
        {
          certificate_chain: { inline_string: server.chainPem },
          private_key: { inline_string: server.keyPem },
        },
      ],
      validation_context: { trusted_ca: { inline_string: ca.roots.join('\n') } },
    },
  };
  const socket = (at: number, address: string): object => ({ socket_address: { address, port_value: at } });
  return {
    admin: { address: socket(admin, '127.0.0.1') },
    static_resources: {
      listeners: [
        {
          // All of loopback: clients have addresses of their own.
          address: socket(port, '127.0.0.1'),
          filter_chains: [
            {
              filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
              transport_socket: { name: 'tls', typed_config: tls },
            },
          ],
        },
      ],
    },
  };
}

/** Keep-alive connections to Envoy, one for each identity and address. */
class Clients {
  readonly #port: number;
  readonly #sockets = new Map<string, Promise<TLSSocket>>();

  constructor(port: number) {
    this.#port = port;
  }

  /** The status that the request is answered with. */
  async ask(request: RandomRequest, index: number): Promise<number> {
    const key = `${request.by} ${request.from}`;
    let opening = this.#sockets.get(key);
    if (opening === undefined) {
      opening = this.#open(request);
      this.#sockets.set(key, opening);
    }
    const socket = await opening;
    socket.write(bytesOf(request, [['x-policy', String(index)]]));
    let text = '';
    for (;;) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (end >= 0 && text.length >= end + 4 + length) break;
    }
    if (/^connection: close/im.test(text)) this.#sockets.delete(key);
    return Number(text.slice(9, 12));
  }

  async #open({ by, from }: RandomRequest): Promise<TLSSocket> {
    const own = by === undefined ? undefined : credentials.get(by)!;
    const options: ConnectionOptions & { localAddress: string } = {
      host: '127.0.0.1',
      port: this.#port,
      localAddress: from,
      rejectUnauthorized: false,
      ...(own && { key: own.keyPem, cert: own.chainPem }),
    };
    const socket = connect(options);
    await once(socket, 'secureConnect');
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) (await socket).destroy();
  }
}

function bytesOf(
  { method, target, host, headers }: RandomRequest,
  more: readonly (readonly [string, string])[],
): Buffer {
  const lines = [...headers, ...more].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${lines.join('')}\r\n`, 'latin1');
}

const parts = new RequestParts();

function authorizerOf(spec: Spec): Authorizer | undefined {
  const { mesh, problems } = meshFromYaml(pod + policy(spec));
  assert.deepEqual(problems, [], JSON.stringify(spec));
  const { resource } = resolveInbound(mesh, 'shop/cart-0');
  return Authorizer.of(resource!.authorization, { address: '127.0.0.1', port, of: 'requests' });
}

/** What Weft says, and the path that it saw. */
function decide(
  authorizer: Authorizer | undefined,
  request: RandomRequest,
): { status: number; path: string } {
  const head = new Head();
  const bytes = bytesOf(request, []);
  assert.ok(parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS) > 0);
  head.retain();
  if (!PathNormalizer.of('BASE').normalize(head)) return { status: 400, path: '' };
  parts.read(head);
  const principal = request.by === undefined ? '' : spiffe(request.by);
  const caller = { principal, address: request.from, serverName: '' };
  const denial = authorizer?.judge({ caller, head, parts, token: undefined });
  return { status: denial === undefined ? 200 : 403, path: head.targetText };
}

/** Where Weft is meant to decide otherwise than Envoy, each with the reason; chance tries none of these. */
interface Difference {
  readonly reason: string;
  readonly spec: Spec;
  readonly request: Partial<RandomRequest>;
  readonly weft: number;
  readonly envoy: number;
}

const denyHost: Spec = { action: 'DENY', rules: [{ to: [{ operation: { hosts: ['example.com'] } }] }] };
const allowA: Spec = { action: 'ALLOW', rules: [{ when: [{ key: 'request.headers[x-a]', values: ['a'] }] }] };
const denyNotA: Spec = {
  action: 'DENY',
  rules: [{ when: [{ key: 'request.headers[x-a]', notValues: ['a'] }] }],
};
const twice: Partial<RandomRequest> = {
  headers: [
    ['x-a', 'a'],
    ['x-a', 'b'],
  ],
};

const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'a host is the same with its port: nobody walks around a rule by writing it',
    spec: denyHost,
    request: { host: 'example.com:8080' },
    weft: 403,
    envoy: 200,
  },
  {
    reason: 'a host is the same with a dot at its end (RFC 1034 section 3.1)',
    spec: denyHost,
    request: { host: 'example.com.' },
    weft: 403,
    envoy: 200,
  },
  {
    reason: 'of a header that comes twice every value must be one that is allowed',
    spec: allowA,
    request: twice,
    weft: 403,
    envoy: 200,
  },
  {
    reason: 'of a header that comes twice any value is enough to be refused, one that is not excluded too',
    spec: denyNotA,
    request: twice,
    weft: 403,
    envoy: 200,
  },
];

const plain: RandomRequest = {
  by: 'shop/web',
  from: '127.0.0.1',
  method: 'GET',
  target: '/',
  host: 'shop',
  headers: [],
};

let stop: (() => void) | undefined;
let clients: Clients | undefined;
let port = 0;
let specs: Spec[] = [];
const chance = new Chance(seed);

before(async () => {
  if (skip) return;
  const [at = 0, admin = 0] = await freePorts(2);
  port = at;
  specs = Array.from({ length: policies }, () => chance.policy(port));
  const all = [...specs, ...DIFFERENCES.map(({ spec }) => spec)];
  stop = await startEnvoy(configuration(all, port, admin), admin);
  clients = new Clients(port);
});
after(async () => {
  await clients?.close();
  stop?.();
});

test('Weft and Envoy decide alike', { skip, timeout: 300_000 }, async t => {
  const wrong: string[] = [];
  let denied = 0;
  let asked = 0;
  for (const [index, spec] of specs.entries()) {
    const authorizer = authorizerOf(spec);
    for (let i = 0; i < requestsEach; i++) {
      const request = chance.request();
      const theirs = await clients!.ask(request, index);
      const { status: ours, path } = decide(authorizer, request);
      asked++;
      if (ours === 403) denied++;
      if (ours === theirs) continue;
      wrong.push(
        `Weft ${ours} (${path}), Envoy ${theirs}: ${JSON.stringify(request)} under ${JSON.stringify(spec)}`,
      );
    }
  }
  t.diagnostic(`${asked} requests, ${denied} denied`);
  assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} disagreements`);
  assert.ok(
    denied > asked / 10 && denied < (asked * 9) / 10,
    `${denied} of ${asked} denied: too alike to tell`,
  );
});

test('where they are to differ, they do, so that each reason still holds', { skip }, async () => {
  const got: string[] = [];
  const expected: string[] = [];
  for (const [index, { reason, spec, request, weft, envoy: theirs }] of DIFFERENCES.entries()) {
    const whole = { ...plain, ...request };
    const answer = await clients!.ask(whole, specs.length + index);
    got.push(`${reason}: ${decide(authorizerOf(spec), whole).status} ${answer}`);
    expected.push(`${reason}: ${weft} ${theirs}`);
  }
  assert.deepEqual(got, expected);
});
