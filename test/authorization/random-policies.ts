// Policies and requests by chance, out of few enough words that they often meet.
import type { Condition, Fields, Rule, Spec } from './envoy-rbac.ts';

/** A request as both sides get it. */
export interface RandomRequest {
  /** `namespace/service-account`; undefined without a certificate. */
  readonly by: string | undefined;
  readonly from: string;
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const IDENTITIES = [
  undefined,
  'shop/web',
  'shop/a.b',
  'shop/axb',
  'ops/api',
  'ops/web',
  'shop-2/web',
] as const;
export const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.1.0.1', '127.1.0.9'] as const;

/** What chance chooses from. */
export class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  is(share: number): boolean {
    return this.#random() < share;
  }

  some<T>(list: readonly T[], most: number): T[] {
    return Array.from({ length: 1 + Math.floor(this.#random() * most) }, () => this.one(list));
  }

  policy(port: number): Spec {
    const rules = this.is(0.05)
      ? []
      : Array.from({ length: this.one([1, 1, 1, 2, 3]) }, () => this.#rule(port));
    return { action: rules.length > 0 && this.is(0.5) ? 'DENY' : 'ALLOW', rules };
  }

  #rule(port: number): Rule {
    const from = this.is(0.6) ? this.#pieces(sources).map(source => ({ source })) : undefined;
    const to = this.is(0.7) ? this.#pieces(operations(port)).map(operation => ({ operation })) : undefined;
    const when = this.is(0.4)
      ? Array.from({ length: this.one([1, 1, 2]) }, () => this.#condition(port))
      : undefined;
    return { ...(from && { from }), ...(to && { to }), ...(when && { when }) };
  }

  #pieces(known: Fields): Fields[] {
    return Array.from({ length: this.one([1, 1, 2]) }, () => {
      let names = [...new Set(this.some(Object.keys(known), 2))];
      if (names.includes('serviceAccounts'))
        names = names.filter(name => name !== 'principals' && name !== 'namespaces');
      return Object.fromEntries(
        names.map(name => {
          const field = this.is(0.25) ? `not${name[0]!.toUpperCase()}${name.slice(1)}` : name;
          return [field, this.some(known[name]!, 2)];
        }),
      );
    });
  }

  #condition(port: number): Condition {
    const [key, values] = this.one(conditions(port));
    const some = this.some(values, 2);
    if (this.is(0.3)) return { key, notValues: some };
    return this.is(0.15) ? { key, values: some, notValues: this.some(values, 1) } : { key, values: some };
  }

  request(): RandomRequest {
    const headers: (readonly [string, string])[] = [];
    if (this.is(0.5)) headers.push(['x-a', this.one(['a', 'b', 'ab', 'abc', 'A'])]);
    // Of DENY and ALLOW together only the same value twice is beyond doubt.
    if (headers.length > 0 && this.is(0.1)) headers.push(headers[0]!);
    if (this.is(0.3)) headers.push(['x-b', this.one(['a', 'b'])]);
    if (this.is(0.5)) headers.push(['x-forwarded-for', this.one(forwarded)]);
    const segments = Array.from({ length: this.one([0, 1, 1, 2, 2, 3]) }, () => this.one(segment));
    const query = this.is(0.2) ? this.one(['?a=/admin', '?', '?x=1&y=/../b']) : '';
    return {
      by: this.one(IDENTITIES),
      from: this.one(ADDRESSES),
      method: this.one(['GET', 'GET', 'POST', 'PUT', 'DELETE']),
      target: `/${segments.join('/')}${this.is(0.2) ? '/' : ''}${query}`,
      host: this.one(['example.com', 'EXAMPLE.com', 'a.example.com', 'example.org', 'shop']),
      headers,
    };
  }
}

const forwarded = [
  '203.0.113.7',
  '203.0.113.7, 198.51.100.1',
  '198.51.100.1,203.0.113.7',
  '2001:db8::1',
  'unknown',
];
const segment = [
  'a',
  'b',
  'admin',
  'info',
  'x.css',
  '..',
  '.',
  '%61',
  '%2e%2e',
  '',
  'Admin',
  'a*',
  '%2f',
  'b;c=d',
];

const sources: Fields = {
  principals: [
    'cluster.local/ns/shop/sa/web',
    'cluster.local/ns/shop/*',
    'cluster.local/ns/ops/sa/*',
    '*/sa/web',
    '*',
    'other/ns/shop/sa/web',
  ],
  namespaces: ['shop', 'ops', 'shop*', '*2', '*'],
  serviceAccounts: ['shop/web', 'shop/a.b', 'ops/api'],
  trustDomains: ['cluster.local', 'cluster*', '*.local', 'other'],
  ipBlocks: ['127.0.0.1', '127.0.0.0/24', '127.1.0.0/29', '0.0.0.0/0', '::/0', '127.0.0.2/31'],
  remoteIpBlocks: ['203.0.113.0/24', '198.51.100.1', '127.0.0.0/8', '2001:db8::/32'],
};

function operations(port: number): Fields {
  return {
    hosts: ['example.com', 'Example.*', '*.example.com', '*', 'shop'],
    ports: [String(port), '1'],
    methods: ['GET', 'P*', '*T', '*', 'DELETE', 'get'],
    paths: [
      '/',
      '/a',
      '/a*',
      '*admin',
      '*',
      '/admin/{**}',
      '/{*}/b',
      '/a/{*}',
      '/{**}/info',
      '/a/{*}/{**}',
      '/a/b',
      '*.css',
      '/a*b',
    ],
  };
}

function conditions(port: number): readonly (readonly [string, readonly string[]])[] {
  return [
    ['request.headers[x-a]', ['a', 'b', 'a*', '*c', '*']],
    ['request.headers[x-b]', ['a', '*']],
    ['source.ip', sources.ipBlocks!],
    ['remote.ip', sources.remoteIpBlocks!],
    ['source.namespace', sources.namespaces!],
    ['source.principal', sources.principals!],
    ['source.serviceAccount', sources.serviceAccounts!],
    ['destination.port', [String(port), '1']],
    ['destination.ip', ['127.0.0.0/8', '10.0.0.0/8']],
  ];
}
