import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestMatch } from '../../model/index.ts';
import { Fields } from '../fields.ts';
import { Report } from '../report.ts';
import { readRouteCondition } from './condition.ts';

interface Condition {
  readonly pathRegex?: string;
  readonly method?: string;
  readonly all?: readonly Condition[];
  readonly any?: readonly Condition[];
  readonly not?: Condition | readonly Condition[];
}

const methods = ['GET', 'PUT', 'POST'];
const paths = ['/', '/a', '/a/b', '/b', '/ab'];
const patterns = ['/', '/a', '/a.*', '.*b', '/[ab]', '.*'];

/** What Linkerd makes of it (linkerd.io/2/reference/service-profiles). */
function holds({ pathRegex, method, all, any, not }: Condition, path: string, asked: string): boolean {
  const nots = not === undefined ? [] : Array.isArray(not) ? (not as Condition[]) : [not as Condition];
  return (
    (pathRegex === undefined || new RegExp(`^(?:${pathRegex})$`).test(path)) &&
    (method === undefined || method === asked) &&
    (all?.every(each => holds(each, path, asked)) ?? true) &&
    (any?.some(each => holds(each, path, asked)) ?? true) &&
    nots.every(each => !holds(each, path, asked))
  );
}

/** What a proxy makes of a match. */
function matches({ path, method, not = [] }: RequestMatch, asked: string, by: string): boolean {
  return (
    (path === undefined || new RegExp(`^(?:${path.value})$`).test(asked)) &&
    (method === undefined || method.value === by) &&
    !not.some(each => matches(each, asked, by))
  );
}

/** The same numbers every time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomCondition(pick: (below: number) => number, depth: number): Condition {
  const list = (): Condition[] => Array.from({ length: 1 + pick(4) }, () => randomCondition(pick, depth - 1));
  const leaf = pick(2) === 0 ? { method: methods[pick(3)]! } : { pathRegex: patterns[pick(6)]! };
  if (depth === 0) return leaf;
  switch (pick(6)) {
    case 0:
      return { all: list() };
    case 1:
      return { any: list() };
    case 2:
      return { not: randomCondition(pick, depth - 1) };
    case 3:
      return { not: list() };
    case 4:
      return { ...leaf, any: list(), not: randomCondition(pick, depth - 1) };
    default:
      return leaf;
  }
}

test('matches hold for just the requests that the condition holds for, whatever it is made of', () => {
  const pick = generator(42);
  let nested = 0;
  for (let round = 0; round < 3000; round++) {
    const condition = randomCondition(pick, 1 + pick(3));
    const report = new Report({ apiVersion: 'v1', kind: 'X', namespace: '', name: '' });
    const read = readRouteCondition(new Fields({ ...condition }, 'condition', report), report);
    const text = JSON.stringify(condition);
    assert.ok(read && !report.refused, text);
    if (JSON.stringify(read).includes('"not":[{"not"')) nested++;
    for (const path of paths) {
      for (const method of methods) {
        const expected = holds(condition, path, method);
        const got = read.some(each => matches(each, path, method));
        assert.equal(got, expected, `${method} ${path} of ${text} as ${JSON.stringify(read)}`);
      }
    }
  }
  assert.ok(nested > 100, `only ${nested} conditions were nested`);
});
