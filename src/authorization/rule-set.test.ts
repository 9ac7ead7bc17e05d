import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onInternalError } from '../errors/index.ts';
import { Head } from '../http/index.ts';
import type { AuthorizationTest, ValueMatch, WorkloadAuthorization } from '../model/index.ts';
import { RequestParts } from '../routing/index.ts';
import { Authorizer, type JudgedCaller, RuleSet } from './index.ts';

const from = { apiVersion: 'v1', kind: 'AuthorizationPolicy', namespace: 'shop', name: 'p' };
const site = { address: '10.0.0.9', port: 8080, of: 'requests' } as const;
const exact = (value: string): ValueMatch => ({ kind: 'exact', value });

/** A policy with one rule for each list of clauses. */
function policy(
  action: WorkloadAuthorization['action'],
  ...rules: readonly (readonly (readonly (readonly AuthorizationTest[])[])[])[]
): WorkloadAuthorization {
  return { action, rules: rules.map((clauses, index) => ({ name: String(index), clauses })), from };
}

const caller = (principal: string): JudgedCaller => ({ principal, address: '10.0.0.1', serverName: '' });
const shop = (name: string): string => `spiffe://cluster.local/ns/shop/sa/${name}`;

/** `GET path` of a caller. */
function request(path: string, principal = '') {
  const head = new Head();
  const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\n\r\n`);
  head.reset(bytes, 0);
  head.methodEnd = 3;
  head.targetStart = 4;
  head.targetEnd = 4 + path.length;
  const parts = new RequestParts();
  parts.read(head);
  return { caller: caller(principal), head, parts, token: undefined };
}

test('the first of many rules that holds is found, by whatever the index has them', () => {
  const names = ['a', 'b', 'c', 'd'];
  const clausesOf = (n: number): AuthorizationTest[][][] => {
    const principal: AuthorizationTest = { of: 'principal', values: [exact(shop(names[n % 4]!))] };
    const namespace: AuthorizationTest = { of: 'namespace', values: [exact(n % 3 === 0 ? 'shop' : 'ops')] };
    const kinds: ValueMatch[] = [
      exact(`/${n % 5}`),
      { kind: 'prefix', value: `/${n % 5}` },
      { kind: 'suffix', value: String(n % 7) },
      { kind: 'template', value: `/${n % 5}/{*}` },
      { kind: 'present', value: '' },
    ];
    const path: AuthorizationTest = { of: 'path', values: [kinds[n % 5]!, kinds[(n * 3) % 5]!] };
    const notPath: AuthorizationTest = { ...path, not: true };
    const all = [
      [[[principal]]],
      [[[path]]],
      [[[principal], [namespace, path]]],
      [[[namespace]], [[path]]],
      [[[notPath, principal]]],
    ];
    return all[(n * 7) % 5]!;
  };
  const policies = Array.from({ length: 60 }, (_, n) => policy('deny', clausesOf(n), clausesOf(n + 1)));
  const together = new RuleSet(policies, false, site);
  const alone = policies.map(each => new RuleSet([each], false, site));
  let found = 0;
  for (const who of [...names.map(shop), 'spiffe://cluster.local/ns/ops/sa/a', ''])
    for (const path of ['/', '/0', '/1', '/2/3', '/3/x/y', '/4/6', '/x5']) {
      const matched = together.match(request(path, who));
      const first = alone.find(set => set.match(request(path, who)) !== undefined);
      assert.equal(matched?.policy, first?.policies[0], `${who} ${path}`);
      if (matched !== undefined) found++;
    }
  assert.ok(found > 20, String(found));
});

test('a rule that cannot be compiled permits nobody and refuses everybody, and says why', () => {
  const unknown = [[[{ of: 'moon-phase' as 'path', values: [exact('full')] }]]];
  const allow = Authorizer.of([policy('allow', unknown)], site)!;
  const deny = Authorizer.of([policy('deny', unknown)], site)!;
  assert.equal(allow.judge(request('/'))?.code, 'rbac_access_denied_matched_policy[none]');
  assert.equal(
    deny.judge(request('/'))?.code,
    'rbac_access_denied_matched_policy[ns[shop]-policy[p]-rule[0]]',
  );
  assert.deepEqual(allow.faults, ["p.shop, rule 0: this proxy knows no 'moon-phase'"]);
  const range = [
    [[{ of: 'source-address' as const, values: [{ kind: 'range' as const, value: '10.0.0.0/40' }] }]],
  ];
  assert.notEqual(Authorizer.of([policy('deny', range)], site)!.judge(request('/')), undefined);
});

test('what goes wrong while a request is judged refuses it', t => {
  const told: string[] = [];
  onInternalError(({ where }) => told.push(where));
  t.after(() => onInternalError(undefined));
  const allow = Authorizer.of([policy('allow', [[[{ of: 'audience', values: [exact('a')] }]]])], site)!;
  const broken = {
    ...request('/'),
    get token(): never {
      throw new Error('boom');
    },
  };
  assert.match(allow.judge(broken)!.words, /could not be judged/);
  assert.deepEqual(told, ['authorization']);
});

test('nobody is asked where no policy speaks of the port', () => {
  const elsewhere = { ...policy('deny', []), ports: [1] };
  assert.equal(Authorizer.of(undefined, site), undefined);
  assert.equal(Authorizer.of([elsewhere], site), undefined);
  assert.notEqual(Authorizer.of([{ ...elsewhere, ports: [1, 8080] }], site), undefined);
});
