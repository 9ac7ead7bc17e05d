// What a decision of authorization costs, by how many rules there are and by what they are found.
//   node bench/authorization.ts
// Prints nanoseconds and bytes for a request that the last rule is for, the best of several rounds; a decision must not grow by
// more than a microsecond from one rule to a thousand where rules are told apart by path or principal.
import { Authorizer, type JudgedRequest } from '../src/authorization/index.ts';
import { Head } from '../src/http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../src/http1/index.ts';
import type { AuthorizationRule, AuthorizationTest, WorkloadAuthorization } from '../src/model/index.ts';
import { RequestParts } from '../src/routing/index.ts';

const rounds = 7;
const calls = 200_000;

const from = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  namespace: 'shop',
  name: 'p',
};
const exact = (of: AuthorizationTest['of'], value: string): AuthorizationTest => ({
  of,
  values: [{ kind: 'exact', value }],
});
const principal = (i: number): AuthorizationTest =>
  exact('principal', `spiffe://cluster.local/ns/shop/sa/w${i}`);
const path = (i: number): AuthorizationTest => exact('path', `/api/v1/things/${i}`);
const block = (i: number): AuthorizationTest => ({
  of: 'source-address',
  values: [{ kind: 'range', value: `10.${i >> 8}.${i & 255}.0/24` }],
});

type Clauses = AuthorizationRule['clauses'];
const kinds: readonly (readonly [name: string, clauses: (i: number) => Clauses])[] = [
  ['principal', i => [[[principal(i)]]]],
  ['path', i => [[[path(i)]]]],
  ['principal and path', i => [[[principal(i)]], [[exact('method', 'GET'), path(i)]]]],
  [
    'path template',
    i => [[[{ of: 'path', values: [{ kind: 'template', value: `/api/v1/things/${i}/{*}` }] }]]],
  ],
  ['address range', i => [[[block(i)]]]],
];

/** A request that only the rule with this number is for; `below`: of a template. */
function requestOf(i: number, below: boolean): JudgedRequest {
  const target = `/api/v1/things/${i}${below ? '/x' : ''}`;
  const bytes = Buffer.from(`GET ${target} HTTP/1.1\r\nhost: shop\r\naccept: */*\r\n\r\n`);
  const head = new Head();
  parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS);
  head.retain();
  const parts = new RequestParts();
  parts.read(head);
  const caller = {
    principal: `spiffe://cluster.local/ns/shop/sa/w${i}`,
    address: `10.${i >> 8}.${i & 255}.7`,
    serverName: '',
  };
  return { caller, head, parts, token: undefined };
}
function measure(authorizer: Authorizer, request: JudgedRequest): { ns: number; bytes: number } {
  let best = Number.POSITIVE_INFINITY;
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const heap = process.memoryUsage().heapUsed;
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) if (authorizer.judge(request) !== undefined) throw new Error('refused');
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls);
    bytes = Math.max(0, process.memoryUsage().heapUsed - heap) / calls;
  }
  return { ns: best, bytes };
}

let over = 0;
console.log('rules told apart by              rules    ns     bytes');
for (const [name, clauses] of kinds) {
  const costs = [1, 20, 1000].map(count => {
    const rules = Array.from({ length: count }, (_, i) => ({ name: String(i), clauses: clauses(i) }));
    const policies: WorkloadAuthorization[] = [];
    for (let i = 0; i < count; i += 500)
      policies.push({ action: 'allow', rules: rules.slice(i, i + 500), from });
    const authorizer = Authorizer.of(policies, { address: '10.0.0.9', port: 8080, of: 'requests' })!;
    const cost = measure(authorizer, requestOf(count - 1, name === 'path template'));
    console.log(
      `${name.padEnd(34)}${String(count).padStart(4)}${cost.ns.toFixed(0).padStart(8)}${cost.bytes.toFixed(1).padStart(8)}`,
    );
    return cost.ns;
  });
  const growth = costs[2]! - costs[0]!;
  if (growth > 1000) over++;
}
if (over > 0) {
  console.log(`${over} kinds of rules cost more than a microsecond more with a thousand`);
  process.exitCode = 1;
}
