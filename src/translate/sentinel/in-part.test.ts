// A file that is read again is read in part: what did not change is the same object, all the way to the rules of its routes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../kdl/index.ts';
import type { RouteRule } from '../../model/index.ts';
import { readSentinelFiles } from './read.ts';
import { routeParts } from './route-tables.ts';

let files = 0;

/** Readings of one file, with the rules that it comes to. */
function file(): (text: string) => {
  readonly rules: ReadonlyMap<string, RouteRule>;
  readonly problems: readonly string[];
} {
  const name = `in-part-${files++}.kdl`;
  return text => {
    const { configuration, problems } = readSentinelFiles({ files: [{ file: name, text }], problems: [] });
    const from = { apiVersion: '', kind: '', namespace: '', name: '' };
    const parts = configuration ? routeParts(configuration, { namespace: 'n', from }) : [];
    const [table] = parts.flatMap(part => (part.kind === 'route-table' ? [part.table] : []));
    return {
      rules: new Map((table?.http ?? []).map(rule => [rule.name, rule])),
      problems: problems.map(formatProblem),
    };
  };
}

const text = (
  more: { routes?: readonly string[]; upstream?: string; filter?: number; limit?: number } = {},
) => `
listener "l" { address "0.0.0.0:80" }
upstream "u" { target "${more.upstream ?? '10.0.0.1:80'}" }
upstream "v" { target "10.0.0.9:80" }
filter "f" { type "rate-limit"; max-rps ${more.filter ?? 5} }
limits { max-body-size ${more.limit ?? 1_000} }
${(more.routes ?? ['a', 'b', 'c']).map(route).join('\n')}
`;
const route = (id: string): string =>
  `route "${id[0]}" { matches { path "/${id}" }; upstream "${id[0] === 'c' ? 'v' : 'u'}"; ${id[0] === 'b' ? 'filters "f"; ' : ''}websocket #true; cache { } }`;

/** Which rules are other objects than before. */
function changed(before: ReadonlyMap<string, RouteRule>, after: ReadonlyMap<string, RouteRule>) {
  return [...after].filter(([name, rule]) => before.get(name) !== rule).map(([name]) => name);
}

test('one route that changes is read and translated alone, and warnings of the others are told again', () => {
  const read = file();
  const first = read(text());
  const second = read(text({ routes: ['a', 'b2', 'c'] }));
  assert.deepEqual(changed(first.rules, second.rules), ['b']);
  assert.equal(second.rules.get('b')?.matches[0]?.request?.path?.value, '/b2');
  const ignored = (problems: readonly string[]) =>
    problems.filter(each => each.includes('cache has no effect'));
  assert.deepEqual([ignored(first.problems).length, ignored(second.problems).length], [3, 3]);
});

test('what a route is made of beside its own lines changes it: its upstream, its filters, limits', () => {
  const read = file();
  const first = read(text());
  assert.deepEqual(changed(first.rules, read(text()).rules), []);
  assert.deepEqual(changed(first.rules, read(text({ upstream: '10.0.0.2:80' })).rules), ['a', 'b']);
  const filtered = read(text({ filter: 6 }));
  assert.equal(filtered.rules.get('b')?.edge?.clientLimits?.[0]?.perSecond, 6);
  const limited = read(text({ limit: 2_000 }));
  assert.deepEqual(
    ['a', 'b', 'c'].map(name => limited.rules.get(name)?.edge?.body?.maxBytes),
    [2_000, 2_000, 2_000],
  );
});

test('a route that names what is gone is an error, though its lines are as they were, and is read again when that is back', () => {
  const read = file();
  const first = read(text());
  const { problems, rules } = read(text().replace('upstream "v" {', 'upstream "w" {'));
  assert.match(problems.join('\n'), /route "c" names the upstream "v", which does not exist/);
  assert.equal(rules.size, 0);
  assert.deepEqual([...read(text()).rules.keys()], [...first.rules.keys()]);
});

test('places of what moved are told as they are now', () => {
  const read = file();
  const first = read(text());
  const moved = read(`\n\n${text()}`);
  const lines = (each: readonly string[]): readonly number[] => each.map(line => Number(line.split(':')[1]));
  assert.deepEqual(
    lines(moved.problems),
    lines(first.problems).map(line => line + 2),
  );
});
