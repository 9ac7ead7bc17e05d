// A listener with very many hosts has a table for each: the same routes in the same order, and of one that changes no other part.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteTable } from '../../model/index.ts';
import type { Part } from '../part.ts';
import { Translator } from '../translator.ts';
import { configurationObject, readSentinel, SENTINEL_KINDS, sentinel } from './index.ts';
import { routeParts } from './route-tables.ts';

const from = { apiVersion: '', kind: '', namespace: '', name: '' };
const HOSTS = 120;

const route = (index: number, more = ''): string =>
  `route "r${index}" { matches { host "h${index}.example" }; upstream "u"; ${more} }`;

function file(routes: readonly string[], listener = ''): string {
  return `listener "l" { address "0.0.0.0:80"; ${listener} }\nupstream "u" { target "10.0.0.1:80" }\n${routes.join('\n')}`;
}

const many = (more = (_: number): string => ''): readonly string[] =>
  Array.from({ length: HOSTS }, (_, index) => route(index, more(index)));

function partsOf(text: string): readonly Part[] {
  const { configuration, problems } = readSentinel(text, 'many.kdl');
  assert.ok(configuration, problems.map(each => each.message).join());
  return routeParts(configuration, { namespace: 'n', from });
}

const tablesOf = (text: string): ReadonlyMap<string, RouteTable> =>
  new Map(
    partsOf(text).flatMap(part =>
      part.kind === 'route-table' ? [[part.table.attachment?.host ?? '', part.table] as const] : [],
    ),
  );
const namesAt = (tables: ReadonlyMap<string, RouteTable>, host: string): readonly string[] | undefined =>
  tables
    .get(host)
    ?.http.map(({ name }) => name)
    .filter(name => !/no-websocket|health/.test(name));

test('routes of many hosts stand in tables of their hosts, those for any host in each, in their order', () => {
  const any = [
    'route "first" { priority "high"; matches { path "/first" }; upstream "u" }',
    'route "rest" { priority "low"; matches { path-prefix "/" }; upstream "u" }',
  ];
  const both = 'route "both" { priority "low"; matches { host "H7.example" "new.example" }; upstream "u" }';
  // Each route for any host stands in every table: so many hosts with one route would be too many copies.
  const twice = Array.from(
    { length: HOSTS * 2 },
    (_, index) =>
      `route "more${index}" { matches { host "h${index % HOSTS}.example"; path "/${index}" }; upstream "u" }`,
  );
  const tables = tablesOf(file([...many(), ...any, both, ...twice], 'default-route "r3"'));
  assert.equal(tables.size, HOSTS + 2);
  // A path counts for more than a host, and the default route comes last.
  assert.deepEqual(namesAt(tables, 'h7.example'), ['first', 'more7', 'more127', 'r7', 'rest', 'both', 'r3']);
  assert.deepEqual(namesAt(tables, 'new.example'), ['first', 'rest', 'both', 'r3']);
  assert.deepEqual(namesAt(tables, '*'), ['first', 'rest', 'r3']);
  for (const table of tables.values()) assert.equal(table.http[0]?.name, 'sentinel-health');
});

test('few hosts, many routes for any host, and limits that would count in several tables leave one table', () => {
  const one = (routes: readonly string[]): void =>
    assert.deepEqual([...tablesOf(file(routes)).keys()], ['*']);
  one(many().slice(0, 99));
  one([...many(), ...['a', 'b'].map(id => `route "${id}" { matches { path "/${id}" }; upstream "u" }`)]);
  const limit = 'policies { rate-limit { requests-per-second 5; key "route" } }';
  one([...many(), `route "two" { matches { host "a.test" "b.test" }; upstream "u"; ${limit} }`]);
  assert.equal(tablesOf(file(many(() => limit))).size, HOSTS + 1, 'of one host each counts once');
});

test('of a route that changes one table is another, and one fact is touched', () => {
  const before = partsOf(file(many()));
  const changed = file(many(index => (index === 50 ? 'policies { timeout-secs 3 }' : '')));
  const after = partsOf(changed);
  assert.equal(after.length, before.length);
  const others = after.filter((part, index) => part !== before[index]);
  assert.deepEqual(
    others.map(part => (part.kind === 'route-table' ? part.table.attachment?.host : part.kind)),
    ['h50.example'],
  );

  const translator = new Translator({ dialects: sentinel });
  const apply = (text: string): ReadonlySet<string> =>
    translator.apply([
      {
        type: 'put',
        kind: SENTINEL_KINDS.configuration,
        key: 'n/sentinel',
        stored: {
          object: configurationObject('n', { files: [{ file: 'many.kdl', text }], problems: [] }),
          ref: from,
        },
      },
    ]).touched;
  apply(file(many()));
  assert.deepEqual([...apply(changed)], ['route-tables n/sentinel|h50.example']);
});
