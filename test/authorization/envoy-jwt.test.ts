// Random rules about tokens and random tokens, judged by Weft and by Envoy's own jwt_authn filter, which gets an independent
// translation of the same rules: they must agree on who passes, and on what the app is told, but for differences that are named.
import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { Authenticator, KeyStore, TokenCounts } from '../../src/authentication/index.ts';
import { requestHead } from '../../src/http1/testing/heads.ts';
import type { FilteredRequest, Verdict } from '../../src/proxy/filters/filter.interface.ts';
import { tokens } from '../../src/proxy/filters/tokens.ts';
import { resolveInbound } from '../../src/resolve/index.ts';
import { RequestParts } from '../../src/routing/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { jwtAuthnOf } from './envoy-jwt.ts';
import { noEnvoy, startEnvoy } from './envoy-process.ts';
import { ISSUERS, TokenChance, type TokenRequest, type TokenRule } from './random-tokens.ts';
import { pod } from './rig.ts';

const skip = noEnvoy;
const seed = Number(process.env.WEFT_SEED ?? 20_261_129);
const sets = 60;
const requestsEach = 50;
/** What the app may be told in. */
const told = ['payload', 'sub', 'deep', 'odd'].flatMap(what => [0, 1, 2].map(index => `x-${what}-${index}`));

/** Envoy answers 200 itself, with what the app would have been told. */
function configuration(all: readonly (readonly TokenRule[])[], port: number, admin: number): object {
  const routes = all.map((_, index) => ({
    match: { prefix: '/', headers: [{ name: 'x-rules', string_match: { exact: String(index) } }] },
    direct_response: { status: 200 },
    response_headers_to_add: told.map(name => ({ header: { key: `told-${name}`, value: `%REQ(${name})%` } })),
    typed_per_filter_config: {
      'envoy.filters.http.jwt_authn': {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig',
        requirement_name: String(index),
      },
    },
  }));
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [
      { name: 'envoy.filters.http.jwt_authn', typed_config: jwtAuthnOf(all) },
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const socket = (at: number): object => ({ socket_address: { address: '127.0.0.1', port_value: at } });
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  return {
    admin: { address: socket(admin) },
    static_resources: { listeners: [{ address: socket(port), filter_chains: [{ filters }] }] },
  };
}

/** The status, and what the app is told; '' for what it is not. */
interface Outcome {
  readonly status: number;
  readonly told: Readonly<Record<string, string>>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function askEnvoy(port: number, index: number, { method, target, headers }: TokenRequest): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const fields = [['x-rules', String(index)] as const, ['host', 'a'] as const, ...headers].flat();
    const sent = httpRequest({ port, agent, method, path: target, headers: fields }, answer => {
      answer.resume().on('end', () => {
        const said = told.flatMap(name => {
          const value = answer.headers[`told-${name}`];
          return typeof value === 'string' && value !== '-' ? [[name, value]] : [];
        });
        const isPassed = answer.statusCode === 200;
        resolve({ status: answer.statusCode!, told: isPassed ? Object.fromEntries(said) : {} });
      });
    });
    sent.on('error', reject).end();
  });
}

const keys = new KeyStore({
  clock: systemClock,
  fetch: () => Promise.reject(new Error('nobody is asked')),
  watcher: { onKeys() {}, onFailure() {} },
});

/** The filter of an object with these rules, through translation and resolution. */
function filterOf(jwtRules: readonly TokenRule[]): NonNullable<ReturnType<typeof tokens.compile>> {
  const metadata = { name: 'users', namespace: 'shop' };
  const object = {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata,
    spec: { jwtRules },
  };
  const { mesh, problems } = meshFromYaml(`${pod}${JSON.stringify(object)}`);
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  const { tokenRules } = resolveInbound(mesh, 'shop/cart-0').resource!;
  return tokens.compile({ tokens: new Authenticator(tokenRules!, keys, systemClock, new TokenCounts()) })!;
}

const parts = new RequestParts();

async function decide(
  filter: ReturnType<typeof filterOf>,
  { method, target, headers }: TokenRequest,
): Promise<Outcome> {
  const lines = [['host', 'a'], ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = requestHead(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`);
  head.retain();
  parts.read(head);
  const { promise, resolve } = Promise.withResolvers<Verdict>();
  const request = {
    head,
    parts,
    turn: 1,
    token: undefined,
    localFields: [],
    resume: (_: number, said: Verdict) => resolve(said),
  };
  const verdict = filter.judge(request as unknown as FilteredRequest);
  const last = verdict === 'wait' ? await promise : verdict;
  if (last !== undefined) return { status: (last as { reply: { status: number } }).reply.status, told: {} };
  const said = told.flatMap(name => {
    const lower = Buffer.from(name);
    const value = head.addedText(lower) || head.text(head.find(lower));
    return value === '' ? [] : [[name, value]];
  });
  return { status: 200, told: Object.fromEntries(said) };
}

/** Of what the app is told only what these rules speak of: one filter of Envoy takes the headers of all sets out. */
function shown(outcome: Outcome, set: readonly TokenRule[]): string {
  const named = new Set(
    set.flatMap(({ outputPayloadToHeader = '', outputClaimToHeaders = [] }) => [
      outputPayloadToHeader,
      ...outputClaimToHeaders.map(({ header }) => header),
    ]),
  );
  const own = told.filter(name => named.has(name) && outcome.told[name] !== undefined);
  return `${outcome.status} ${JSON.stringify(own.map(name => [name, outcome.told[name]]))}`;
}

/** The request with its tokens in clear. */
function words({ method, target, headers }: TokenRequest): string {
  const clear = `${method} ${target} ${JSON.stringify(headers)}`;
  const part = (text: string): string => Buffer.from(text, 'base64url').toString();
  return clear.replaceAll(
    /(eyJ[\w-]*)\.([\w-]+)/g,
    (_, head: string, body: string) => `${part(head)}${part(body)}`,
  );
}

/** Where Weft is meant to judge otherwise than Envoy, each with the reason; chance tries none of these. */
interface Difference {
  readonly reason: string;
  readonly rules: readonly TokenRule[];
  readonly request: TokenRequest;
  readonly weft: number;
  readonly envoy: number;
}

const [first] = ISSUERS;
const rule: TokenRule = { issuer: first!.issuer, jwks: first!.jwks };
const bearing = (token: string): TokenRequest => ({
  method: 'GET',
  target: '/',
  headers: [['authorization', `Bearer ${token}`]],
  tokens: 1,
});

const DIFFERENCES: readonly Difference[] = [
  {
    reason: 'an expiry of 0 is long ago, not none',
    ...{ rules: [rule], request: bearing(first!.token({ exp: 0 })), weft: 401, envoy: 200 },
  },
  {
    reason: 'a token that needs extensions nobody knows is not taken (RFC 7515 section 4.1.11)',
    ...{ rules: [rule], request: bearing(first!.token({}, { crit: ['x'], x: 1 })), weft: 401, envoy: 200 },
  },
  {
    reason:
      'two fields of one name are two tokens, each of which must be good; Envoy joins them to one that is none',
    rules: [rule],
    request: {
      ...bearing(first!.token()),
      headers: [1, 2].map(sub => ['authorization', `Bearer ${first!.token({ sub: `${sub}` })}`] as const),
    },
    weft: 200,
    envoy: 401,
  },
  {
    reason: 'of two bad tokens the first that is refused says why; with Envoy the last one',
    rules: [{ ...rule, audiences: ['cart'], fromParams: ['a', 'b'] }],
    request: {
      method: 'GET',
      target: `/?a=${first!.token({ aud: 'x' })}&b=no.token.x`,
      headers: [],
      tokens: 2,
    },
    weft: 403,
    envoy: 401,
  },
];

let stop: (() => void) | undefined;
let port = 0;
let rules: (readonly TokenRule[])[] = [];
const chance = new TokenChance(seed);

before(async () => {
  if (skip) return;
  const [at = 0, admin = 0] = await freePorts(2);
  port = at;
  rules = Array.from({ length: sets }, () => chance.rules());
  stop = await startEnvoy(
    configuration([...rules, ...DIFFERENCES.map(each => each.rules)], port, admin),
    admin,
  );
});
after(() => {
  agent.destroy();
  keys.close();
  stop?.();
});

test('Weft and Envoy take the same tokens, and tell apps the same of them', {
  skip,
  timeout: 300_000,
}, async t => {
  const wrong: string[] = [];
  const counts = new Map<string, number>();
  for (const [index, set] of rules.entries()) {
    const filter = filterOf(set);
    for (let i = 0; i < requestsEach; i++) {
      const request = chance.request();
      const theirs = await askEnvoy(port, index, request);
      // The second time it is known, and the third it is known by its bytes.
      for (let time = 1; time <= 3; time++) {
        const ours = await decide(filter, request);
        if (shown(ours, set) === shown(theirs, set)) continue;
        // Which of several faults is told: see the differences.
        if (request.tokens > 1 && ours.status >= 400 && theirs.status >= 400) continue;
        wrong.push(
          `time ${time}: Weft ${shown(ours, set)}, Envoy ${shown(theirs, set)}: ${words(request)} under ${JSON.stringify(set.map(({ jwks: _, ...rest }) => rest))}`,
        );
        break;
      }
      const what = `${theirs.status}${Object.keys(theirs.told).length > 0 ? ' told' : ''}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(counts)));
  assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} disagreements`);
  for (const what of ['200', '200 told', '401', '403'])
    assert.ok((counts.get(what) ?? 0) >= 50, `${what}: too few to tell`);
});

test('where they are to differ, they do, so that each reason still holds', { skip }, async () => {
  const got: string[] = [];
  const expected: string[] = [];
  for (const [index, { reason, rules: set, request, weft, envoy }] of DIFFERENCES.entries()) {
    const { status: theirs } = await askEnvoy(port, sets + index, request);
    got.push(`${reason}: ${(await decide(filterOf(set), request)).status} ${theirs}`);
    expected.push(`${reason}: ${weft} ${envoy}`);
  }
  assert.deepEqual(got, expected);
});
